// The documents of a batch: any page of a million at once; filters, order and place live in the address.
import {
  Button,
  Checkbox,
  Group,
  Menu,
  NumberInput,
  Popover,
  Progress,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { api, ask, type BatchDetail, type Doc, type LogLine, type Schemas } from '../api/client';
import { useStream } from '../api/live';
import { Bulk } from '../components/bulk';
import { Connected } from '../components/connected';
import { ExportButton } from '../components/export';
import { Jobs } from '../components/jobs';
import { Many, Pages, SIZES } from '../components/paging';
import { Empty, Loading, Trouble } from '../components/parts';
import { type Act, type Column, columns, Head, Row } from '../components/rows';
import { State } from '../components/state';
import { type Field, fieldColumn, usualColumns, Views, valueColumns, Where } from '../components/values';
import { count, counted, words } from '../lib/format';
import { useKeys, useRemembered, useTitle } from '../lib/hooks';
import type { Json } from '../lib/pointer';
import { useMay } from '../lib/session';
import { shownAs, tsv } from '../lib/values';
import type { DocumentsSearch } from '../router';

const route = getRouteApi('/batches/$batch/documents');
/** A page shown again after a change is asked for at most this often. */
const REFRESH_MS = 1_000;

/** Columns before the fields. */
const leading = ['document', 'state', 'risk'];

/** Before the batch says which fields its results have. */
const none: Field[] = [];

const states = ['pending', 'leased', 'completed', 'failed', 'cancelled', 'skipped'];
const classes = [
  'simple_pdf',
  'complex_pdf',
  'scanned_pdf',
  'image',
  'spreadsheet',
  'office',
  'html',
  'email',
  'text',
  'unknown',
];

export default function Documents() {
  const { batch: id } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const path = { path: { batch: id } };
  const set = useCallback(
    (change: Partial<DocumentsSearch>) =>
      navigate({ search: (before) => ({ ...before, page: undefined, ...change }), replace: 'search' in change }),
    [navigate],
  );
  const limit = SIZES.includes(search.limit ?? 0) ? (search.limit as number) : 100;
  const page = Math.max(1, search.page ?? 1);

  const batch = useQuery({
    queryKey: ['batch', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}', { params: path })),
  });
  const jobs = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/jobs', { params: path })),
  });
  const fields = batch.data?.fields ?? none;
  const template = batch.data?.template ?? '';
  const mayReview = useMay('review');
  const all = useMemo(() => {
    const ours = valueColumns(id, fields, mayReview);
    // What says whether somebody should look stands before what may not fit on the screen.
    const first = columns.filter((column) => leading.includes(column.id));
    return [...first, ...ours, ...columns.filter((column) => !leading.includes(column.id))];
  }, [id, fields, mayReview]);
  // Each template has columns of its own.
  const [remembered, setRemembered] = useRemembered<Record<string, string[]>>('columns-of', {});
  const shown = useMemo(
    () => search.columns?.split(',') ?? remembered[template] ?? usualColumns(fields),
    [search.columns, remembered, template, fields],
  );
  const setShown = (next: string[] | null) => {
    const { [template]: _before, ...others } = remembered;
    setRemembered(next === null ? others : { ...others, [template]: next });
    if (search.columns) void set({ columns: undefined, page: search.page });
  };
  const visible = useMemo(() => all.filter((column) => shown.includes(column.id)), [all, shown]);
  const wanted = fields.filter((field) => shown.includes(fieldColumn(field)) && !field.path.includes(','));
  const { columns: _columns, ...listed } = search;
  const asked = { ...listed, fields: wanted.map((field) => field.path).join(',') || undefined };
  const key = ['documents', id, asked];
  const fetchPage = (number: number, signal?: AbortSignal) =>
    ask(
      api.GET('/api/v1/batches/{batch}/documents', {
        params: { ...path, query: { ...asked, page: number, limit } },
        signal,
      }),
    );
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => fetchPage(page, signal),
    placeholderData: keepPreviousData,
    // Which fields there are is known in a moment; the list would be asked for twice.
    enabled: batch.data !== undefined || batch.isError,
    // Values that lists are sorted by are made ready while somebody asks for them.
    refetchInterval: (query) => (query.state.data?.preparing ? 50 : false),
  });
  useTitle(batch.data ? `Documents of ${batch.data.name}` : 'Documents');

  const [typed, setTyped] = useState(search.search ?? '');
  useEffect(() => {
    const timer = setTimeout(() => {
      if ((search.search ?? '') !== typed) void set({ search: typed || undefined });
    }, 150);
    return () => clearTimeout(timer);
  }, [typed, search.search, set]);

  // Live: counters from the stream; this page is asked for again when one of its rows changed.
  const [arrived, setArrived] = useState(0);
  const total = useRef<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const refresh = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: key });
    }, REFRESH_MS);
  };
  const connection = useStream(
    `/batches/${encodeURIComponent(id)}/events`,
    {
      batch: (view: BatchDetail) => {
        client.setQueryData<BatchDetail>(['batch', id], (old) => (old ? { ...old, ...view } : old));
        if (total.current !== null && view.documents.total > total.current)
          setArrived((before) => before + view.documents.total - (total.current ?? 0));
        total.current = view.documents.total;
      },
      jobs: (list: Schemas['JobView'][]) => {
        client.setQueryData(['jobs', id], { jobs: list });
        refresh();
      },
      log: (lines: LogLine[]) => {
        const shown = new Set(client.getQueryData<typeof list.data>(key)?.documents.map((doc) => doc.document));
        if (lines.some((line) => line.document == null || shown.has(line.document))) refresh();
      },
      gap: refresh,
    },
    () => client.refetchQueries({ queryKey: key }, { throwOnError: true }),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever looks at another page has seen what came
  useEffect(() => setArrived(0), [search]);

  const [density, setDensity] = useRemembered('density', 'normal');
  const [widths, setWidths] = useRemembered<Record<string, number>>('widths', {});
  const [selected, setSelected] = useState<Set<number>>(new Set());
  const [allMatching, setAllMatching] = useState(false);
  const [cursor, setCursor] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list, another selection
  useEffect(() => {
    setSelected(new Set());
    setAllMatching(false);
    setCursor(0);
  }, [id, JSON.stringify({ ...search, page: 0 })]);

  const data = list.data;
  const rows = data?.documents ?? [];
  const matching = data?.matching ?? 0;
  const pages = Math.max(1, Math.ceil(matching / limit));
  const first = data?.first ?? (page - 1) * limit + 1;
  const open = (doc: Doc | undefined) =>
    doc &&
    navigate({
      to: '/batches/$batch/documents/$document',
      params: { batch: id, document: String(doc.document) },
      search: { ...search, page: undefined, limit: undefined },
    });
  useKeys({
    j: () => setCursor((at) => Math.min(rows.length - 1, at + 1)),
    k: () => setCursor((at) => Math.max(0, at - 1)),
    x: () => {
      const doc = rows[cursor];
      if (doc) toggle(doc.document);
    },
    Enter: () => open(rows[cursor]),
    n: () => page < pages && set({ page: page + 1 }),
    p: () => page > 1 && set({ page: page - 1 }),
  });

  // The next page is there before it is asked for.
  useEffect(() => {
    if (data?.next && !list.isPlaceholderData) {
      const next = { ...asked, page: page + 1 };
      void client.prefetchQuery({ queryKey: ['documents', id, next], queryFn: () => fetchPage(page + 1) });
    }
  });

  const toggle = (number: number) =>
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(number)) after.add(number);
      return after;
    });
  // Rows that did not change are not drawn again: their handlers stay the same, whatever happens around them.
  const latest = useRef({ open, toggle });
  latest.current = { open, toggle };
  const act = useCallback<Act>((what, doc) => {
    if (what === 'open') void latest.current.open(doc);
    else latest.current.toggle(doc.document);
  }, []);
  const router = useRouter();
  const place = JSON.stringify({ ...search, page: undefined, limit: undefined });
  const hrefs = useMemo(() => {
    const { href } = router.buildLocation({
      to: '/batches/$batch/documents/$document',
      params: { batch: id, document: '0' },
      search: JSON.parse(place),
    });
    const [before = '', after = ''] = router.history.createHref(href).split('/documents/0');
    return (document: number) => `${before}/documents/${document}${after}`;
  }, [router, id, place]);
  const onPage = rows.length > 0 && rows.every((doc) => selected.has(doc.document));
  const sortBy = (column: Column) => {
    if (!column.sort) return;
    const descending = search.sort === column.sort && search.order !== 'desc';
    const isFirst = (search.sort ?? 'document') !== column.sort;
    const startsDown = ['cost', 'risk', 'updated', 'pages'].includes(column.sort);
    const order = isFirst ? (startsDown ? 'desc' : undefined) : descending ? 'desc' : undefined;
    void set({ sort: column.sort === 'document' ? undefined : column.sort, order });
  };
  const filters = {
    state: search.state,
    kind: search.kind,
    class: search.class,
    error_code: search.error_code,
    search: search.search,
    review: search.review,
    risk_at_least: search.risk_at_least,
    cost_at_least_usd: search.cost_at_least_usd,
    where: search.where,
  };
  const filtered = Object.values(filters).some((value) => value !== undefined);

  return (
    <>
      <Group justify="space-between" mb="xs">
        <div style={{ minWidth: 0 }}>
          <Text size="sm">
            <Link to="/batches/$batch" params={{ batch: id }}>
              {batch.data?.name ?? 'Batch'}
            </Link>
          </Text>
          <h1>Documents</h1>
        </div>
        <Group gap="sm">
          {batch.data && <State of={batch.data.state} />}
          <Connected connection={connection} />
          <ExportButton batch={id} filter={filters} />
        </Group>
      </Group>

      <Group gap="xs" mb="xs" align="flex-end">
        <TextInput
          size="xs"
          type="search"
          data-search
          label="Search names"
          description={typed.length > 0 && typed.length < 3 ? 'names that begin so' : undefined}
          inputWrapperOrder={['label', 'input', 'description']}
          placeholder="invoice-2024"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          w={160}
        />
        <Many label="State" value={search.state} options={states} set={(state) => set({ state })} />
        <Many label="Class" value={search.class} options={classes} set={(value) => set({ class: value })} />
        <Select
          size="xs"
          w={150}
          label="Review"
          placeholder="Any"
          clearable
          value={search.review ?? null}
          onChange={(review) => set({ review: review ?? undefined })}
          data={[
            { value: 'none', label: 'Not reviewed' },
            { value: 'assigned', label: 'Assigned' },
            { value: 'approved', label: 'Approved' },
            { value: 'rejected', label: 'Rejected' },
          ]}
        />
        {fields.length > 0 && (
          <Where value={search.where} fields={fields} change={(where) => set({ where })} error={list.error} />
        )}
        <Popover position="bottom-start" trapFocus>
          <Popover.Target>
            <Button size="xs" variant="default">
              More
              {search.risk_at_least !== undefined || search.cost_at_least_usd !== undefined || search.error_code
                ? ' •'
                : ''}
            </Button>
          </Popover.Target>
          <Popover.Dropdown>
            <Stack gap="xs">
              <NumberInput
                size="xs"
                label="Risk at least"
                min={0}
                max={1000}
                value={search.risk_at_least ?? ''}
                onChange={(value) => set({ risk_at_least: value === '' ? undefined : Number(value) })}
              />
              <NumberInput
                size="xs"
                label="Cost at least"
                prefix="$"
                min={0}
                decimalScale={6}
                value={search.cost_at_least_usd ?? ''}
                onChange={(value) => set({ cost_at_least_usd: value === '' ? undefined : Number(value) })}
              />
              <TextInput
                size="xs"
                label="Error code"
                value={search.error_code ?? ''}
                onChange={(event) => set({ error_code: event.currentTarget.value || undefined })}
                placeholder="password_required"
              />
            </Stack>
          </Popover.Dropdown>
        </Popover>
        {filtered && (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => {
              setTyped('');
              void navigate({ search: { limit: search.limit, columns: search.columns } });
            }}
          >
            Clear
          </Button>
        )}
        <Group gap="xs" ml="auto">
          <Views
            template={template}
            search={search}
            shown={shown}
            open={(view) => {
              setTyped(view.search ?? '');
              void navigate({ search: view });
            }}
          />
          <Menu closeOnItemClick={false} position="bottom-end">
            <Menu.Target>
              <Button size="xs" variant="default">
                Columns
              </Button>
            </Menu.Target>
            <Menu.Dropdown mah="70vh" style={{ overflowY: 'auto' }}>
              {all.map((column) => (
                <Menu.Item key={column.id} component="div">
                  <Checkbox
                    size="xs"
                    label={column.name}
                    checked={shown.includes(column.id)}
                    onChange={() =>
                      setShown(
                        shown.includes(column.id) ? shown.filter((it) => it !== column.id) : [...shown, column.id],
                      )
                    }
                  />
                </Menu.Item>
              ))}
              <Menu.Divider />
              <Menu.Item component="div">
                <SegmentedControl
                  size="xs"
                  fullWidth
                  value={density}
                  onChange={setDensity}
                  aria-label="Density"
                  data={['normal', 'dense']}
                />
              </Menu.Item>
              <Menu.Item
                onClick={() => {
                  setShown(null);
                  setWidths({});
                }}
              >
                As at first
              </Menu.Item>
              <Menu.Item
                onClick={async () => {
                  await navigator.clipboard.writeText(tsv(asTable(visible, wanted, rows)));
                  notifications.show({ message: `${counted(rows.length, 'row')} copied`, autoClose: 1500 });
                }}
              >
                Copy this page as a table
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>

      <Group justify="space-between" mb={6} mih={36}>
        <Group gap="sm">
          <Text size="sm" role="status" data-testid="showing">
            {data?.preparing
              ? `Putting the values in order: ${count(data.preparing.documents)} of ${counted(data.preparing.of, 'document')}`
              : data
                ? rows.length === 0
                  ? 'Nothing to show'
                  : `Showing ${count(first)}–${count(first + rows.length - 1)} of ${data.matching_is_exact ? '' : 'at least '}${count(matching)}`
                : ' '}
          </Text>
          {arrived > 0 && (
            <Button
              size="compact-xs"
              variant="light"
              onClick={() => {
                setArrived(0);
                void client.invalidateQueries({ queryKey: key });
              }}
            >
              {count(arrived)} new
            </Button>
          )}
        </Group>
        <Pages
          page={page}
          pages={pages}
          more={!!data?.next}
          set={(number) => set({ page: number === 1 ? undefined : number })}
          limit={limit}
          setLimit={(size) => set({ limit: size === 100 ? undefined : size })}
        />
      </Group>

      {(selected.size > 0 || allMatching) && batch.data && (
        <Bulk
          batch={batch.data}
          filters={filters}
          selected={allMatching ? [] : [...selected]}
          label={
            allMatching
              ? `All ${data?.matching_is_exact ? '' : 'at least '}${count(matching)} that match`
              : `${counted(selected.size, 'document')} selected`
          }
          offerAll={
            !allMatching && onPage && matching > rows.length
              ? `Select all ${data?.matching_is_exact ? '' : 'at least '}${count(matching)} that match`
              : null
          }
          selectAll={() => setAllMatching(true)}
          clear={() => {
            setSelected(new Set());
            setAllMatching(false);
          }}
        />
      )}

      {list.isError && !data ? (
        <Trouble error={list.error} retry={() => list.refetch()} />
      ) : !data ? (
        <Loading rows={14} />
      ) : data.preparing ? (
        <Progress
          value={(100 * data.preparing.documents) / Math.max(1, data.preparing.of)}
          animated
          aria-label="Values put in order"
        />
      ) : rows.length === 0 ? (
        filtered ? (
          <Empty title="No document fits">
            <Text>The search looks at names: any part of three letters or more, the beginning for fewer.</Text>
          </Empty>
        ) : (
          <Empty title="No documents yet">
            <Text>They appear here as they are found.</Text>
          </Empty>
        )
      ) : (
        <div className="table-wrap" tabIndex={0} role="group" aria-label="Table" aria-busy={list.isPlaceholderData}>
          <table className={density === 'dense' ? 'list dense' : 'list'} data-testid="documents">
            <thead>
              <tr>
                <th style={{ width: 32 }}>
                  <Checkbox
                    size="xs"
                    aria-label="Select this page"
                    checked={onPage}
                    indeterminate={!onPage && rows.some((doc) => selected.has(doc.document))}
                    onChange={() =>
                      setSelected(onPage ? new Set() : new Set([...selected, ...rows.map((doc) => doc.document)]))
                    }
                  />
                </th>
                <Head
                  column={{ id: 'name', name: 'Name', sort: 'name', show: () => null }}
                  search={search}
                  sort={sortBy}
                  widths={widths}
                  setWidths={setWidths}
                />
                {visible.map((column) => (
                  <Head
                    key={column.id}
                    column={column}
                    search={search}
                    sort={sortBy}
                    widths={widths}
                    setWidths={setWidths}
                  />
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((doc, index) => (
                <Row
                  key={doc.document}
                  doc={doc}
                  current={index === cursor}
                  checked={allMatching || selected.has(doc.document)}
                  shown={visible}
                  href={hrefs(doc.document)}
                  act={act}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > 20 && (
        <Group justify="flex-end" mt="sm">
          <Pages
            page={page}
            pages={pages}
            more={!!data?.next}
            set={(number) => set({ page: number === 1 ? undefined : number })}
            limit={limit}
            setLimit={(size) => set({ limit: size === 100 ? undefined : size })}
          />
        </Group>
      )}
      <Jobs batch={id} jobs={jobs.data?.jobs ?? []} />
    </>
  );
}

/** The page as a table of texts, with its heads. */
function asTable(shown: Column[], fields: Field[], rows: Doc[]): string[][] {
  const plain: Record<string, (doc: Doc) => string> = {
    document: (doc) => String(doc.document),
    state: (doc) => words(doc.state),
    class: (doc) => words(doc.class),
    pages: (doc) => (doc.pages == null ? '' : String(doc.pages)),
    bytes: (doc) => String(doc.bytes),
    cost: (doc) => String(doc.cost_usd),
    attempts: (doc) => String(doc.attempts),
    risk: (doc) => (doc.risk == null ? '' : String(doc.risk)),
    review: (doc) => doc.review ?? '',
    error: (doc) => doc.error ?? '',
    updated: (doc) => doc.updated_at,
  };
  const cells = (doc: Doc) =>
    shown.map((column) => {
      const field = fields.find((it) => fieldColumn(it) === column.id);
      return field ? shownAs((doc.values?.[field.path] ?? null) as Json) : (plain[column.id]?.(doc) ?? '');
    });
  return [['Name', ...shown.map((column) => column.name)], ...rows.map((doc) => [doc.name, ...cells(doc)])];
}
