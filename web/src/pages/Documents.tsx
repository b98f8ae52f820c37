// The documents of a batch: any page of a million at once; filters, order and place live in the address.
import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Menu,
  MultiSelect,
  NumberInput,
  Popover,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { memo, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { api, ask, type BatchDetail, type Doc, type LogLine, type Schemas } from '../api/client';
import { useStream } from '../api/live';
import { Connected } from '../components/connected';
import { ExportButton } from '../components/export';
import * as Icons from '../components/icons';
import { Jobs } from '../components/jobs';
import { Confirm, Empty, Loading, Trouble, When } from '../components/parts';
import { State } from '../components/state';
import { bytes, count, counted, cut, money, words } from '../lib/format';
import { useKeys, useRemembered, useTitle } from '../lib/hooks';
import type { DocumentsSearch } from '../router';

const route = getRouteApi('/batches/$batch/documents');
const SIZES = [50, 100, 200];
/** A page shown again after a change is asked for at most this often. */
const REFRESH_MS = 1_000;

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

type Column = { id: string; name: string; sort?: string; num?: boolean; show: (doc: Doc) => ReactNode };
const columns: Column[] = [
  { id: 'state', name: 'State', show: (doc) => <State of={doc.state} /> },
  { id: 'document', name: 'No.', sort: 'document', num: true, show: (doc) => doc.document },
  { id: 'class', name: 'Class', show: (doc) => words(doc.class) },
  { id: 'pages', name: 'Pages', sort: 'pages', num: true, show: (doc) => doc.pages ?? '–' },
  { id: 'bytes', name: 'Size', num: true, show: (doc) => bytes(doc.bytes) },
  { id: 'cost', name: 'Cost', sort: 'cost', num: true, show: (doc) => money(doc.cost_usd) },
  { id: 'attempts', name: 'Calls', num: true, show: (doc) => doc.attempts },
  { id: 'risk', name: 'Risk', sort: 'risk', num: true, show: (doc) => doc.risk ?? '–' },
  {
    id: 'review',
    name: 'Review',
    show: (doc) => (doc.review ? <State of={doc.review} /> : <span className="faint">–</span>),
  },
  {
    id: 'error',
    name: 'What happened',
    show: (doc) => (
      <span title={doc.error ?? ''}>
        {doc.error ? doc.error : doc.duplicate_of ? `same content as no. ${doc.duplicate_of}` : ''}
      </span>
    ),
  },
  { id: 'updated', name: 'Changed', sort: 'updated', num: true, show: (doc) => <When at={doc.updated_at} /> },
];
const usual = ['document', 'state', 'class', 'pages', 'cost', 'risk', 'review', 'error', 'updated'];

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
  const key = ['documents', id, search];
  const fetchPage = (number: number, signal?: AbortSignal) =>
    ask(
      api.GET('/api/v1/batches/{batch}/documents', {
        params: { ...path, query: { ...search, page: number, limit } },
        signal,
      }),
    );
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => fetchPage(page, signal),
    placeholderData: keepPreviousData,
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

  const [shown, setShown] = useRemembered<string[]>('columns', usual);
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
      const next = { ...search, page: page + 1 };
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
          w={180}
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
              void navigate({ search: { limit: search.limit } });
            }}
          >
            Clear
          </Button>
        )}
        <Group gap="xs" ml="auto">
          <Menu closeOnItemClick={false} position="bottom-end">
            <Menu.Target>
              <Button size="xs" variant="default">
                Columns
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {columns.map((column) => (
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
                  setShown(usual);
                  setWidths({});
                }}
              >
                As at first
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>

      <Group justify="space-between" mb={6} mih={36}>
        <Group gap="sm">
          <Text size="sm" role="status" data-testid="showing">
            {data
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
                {columns
                  .filter((column) => shown.includes(column.id))
                  .map((column) => (
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
                  shown={shown}
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

type Act = (what: 'open' | 'toggle', doc: Doc) => void;

const Row = memo(function Row({
  doc,
  current,
  checked,
  shown,
  href,
  act,
}: {
  doc: Doc;
  current: boolean;
  checked: boolean;
  shown: string[];
  href: string;
  act: Act;
}) {
  return (
    <tr data-current={current}>
      <td>
        <input
          type="checkbox"
          className="plain"
          aria-label={`Select ${doc.name}`}
          checked={checked}
          onChange={() => act('toggle', doc)}
        />
      </td>
      <td className="name">
        <a
          href={href}
          title={doc.name}
          onClick={(event) => {
            // Another tab or window is the browser's business.
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            act('open', doc);
          }}
        >
          {cut(doc.name, 40)}
        </a>
      </td>
      {columns
        .filter((column) => shown.includes(column.id))
        .map((column) => (
          <td key={column.id} className={column.num ? 'num' : column.id === 'error' ? 'one-line' : `col-${column.id}`}>
            {column.show(doc)}
          </td>
        ))}
    </tr>
  );
});

/** The head of a column: sorts by a click, and is as wide as somebody drags it. */
function Head({
  column,
  search,
  sort,
  widths,
  setWidths,
}: {
  column: Column;
  search: DocumentsSearch;
  sort: (column: Column) => void;
  widths: Record<string, number>;
  setWidths: (widths: Record<string, number>) => void;
}) {
  const active = (search.sort ?? 'document') === column.sort;
  const down = active && search.order === 'desc';
  const drag = (event: React.PointerEvent<HTMLElement>) => {
    const head = event.currentTarget.closest('th');
    if (!head) return;
    event.preventDefault();
    const from = event.clientX;
    const width = head.offsetWidth;
    const move = (now: PointerEvent) => {
      head.style.minWidth = `${Math.max(40, width + now.clientX - from)}px`;
    };
    const up = () => {
      setWidths({ ...widths, [column.id]: head.offsetWidth });
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
  };
  return (
    <th
      className={column.num ? 'num' : undefined}
      aria-sort={active ? (down ? 'descending' : 'ascending') : undefined}
      style={{ minWidth: widths[column.id] }}
    >
      {column.sort ? (
        <button type="button" className="sort" data-active={active} onClick={() => sort(column)}>
          {column.name} {active ? (down ? '↓' : '↑') : ''}
        </button>
      ) : (
        column.name
      )}
      <span
        aria-hidden="true"
        onPointerDown={drag}
        style={{ cursor: 'col-resize', padding: '0 3px', opacity: 0.35, touchAction: 'none' }}
      >
        ⋮
      </span>
    </th>
  );
}

function Many({
  label,
  value,
  options,
  set,
}: {
  label: string;
  value?: string;
  options: string[];
  set: (value?: string) => void;
}) {
  const chosen = value ? value.split(',').filter((name) => options.includes(name)) : [];
  return (
    <MultiSelect
      size="xs"
      miw={130}
      maw={260}
      label={label}
      placeholder={chosen.length === 0 ? 'Any' : undefined}
      value={chosen}
      onChange={(names) => set(names.length > 0 ? names.join(',') : undefined)}
      data={options.map((name) => ({ value: name, label: words(name) }))}
      clearable
    />
  );
}

function Pages({
  page,
  pages,
  more,
  set,
  limit,
  setLimit,
}: {
  page: number;
  pages: number;
  more: boolean;
  set: (page: number) => void;
  limit: number;
  setLimit: (size: number) => void;
}) {
  const [typed, setTyped] = useState<string | number>(page);
  useEffect(() => setTyped(page), [page]);
  return (
    <Group gap={6}>
      <Select
        size="xs"
        w={84}
        aria-label="Documents a page"
        value={String(limit)}
        allowDeselect={false}
        onChange={(value) => setLimit(Number(value))}
        data={SIZES.map(String)}
      />
      <Tooltip label="Previous page (p)">
        <ActionIcon variant="default" aria-label="Previous page" disabled={page <= 1} onClick={() => set(page - 1)}>
          ‹
        </ActionIcon>
      </Tooltip>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = Math.round(Number(typed));
          if (wanted >= 1) set(Math.min(wanted, pages));
        }}
      >
        <NumberInput size="xs" w={76} hideControls aria-label="Page" min={1} value={typed} onChange={setTyped} />
      </form>
      <Text size="sm" c="dimmed">
        of {count(pages)}
      </Text>
      <Tooltip label="Next page (n)">
        <ActionIcon
          variant="default"
          aria-label="Next page"
          disabled={!more && page >= pages}
          onClick={() => set(page + 1)}
        >
          ›
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}

type Action = 'retry' | 'skip' | 'assign' | 'approve' | 'export';
const actions: Record<Action, { name: string; says: string }> = {
  retry: { name: 'Retry', says: 'Failed and cancelled ones go back into the queue, and the batch goes on.' },
  skip: { name: 'Skip', says: 'Waiting, failed and cancelled ones will not be processed.' },
  assign: { name: 'Assign to review', says: 'Those with a result are put into the review queue.' },
  approve: { name: 'Approve', says: 'Those with a result that nobody reviewed are approved as they are.' },
  export: { name: 'Export', says: 'Their results are written into a file to download.' },
};

/** What is done to many at once: the count and the price come first. */
function Bulk({
  batch,
  filters,
  selected,
  label,
  offerAll,
  selectAll,
  clear,
}: {
  batch: BatchDetail;
  filters: Schemas['DocumentFilter'];
  selected: number[];
  label: string;
  offerAll: string | null;
  selectAll: () => void;
  clear: () => void;
}) {
  const [asked, setAsked] = useState<Action | null>(null);
  const [format, setFormat] = useState('xlsx');
  const client = useQueryClient();
  const body = {
    action: asked ?? 'retry',
    filter: selected.length > 0 ? {} : filters,
    documents: selected,
    format,
    evidence: false,
  };
  const counted = useQuery({
    queryKey: ['job-count', batch.id, body],
    queryFn: () => ask(api.POST('/api/v1/batches/{batch}/jobs/count', { params: { path: { batch: batch.id } }, body })),
    enabled: asked !== null,
  });
  const does = asked ? actions[asked] : null;
  return (
    <Group
      gap="xs"
      p={8}
      mb={8}
      style={{ background: 'var(--raised)', borderRadius: 4 }}
      role="region"
      aria-label="Selection"
    >
      <Text size="sm" fw={600}>
        {label}
      </Text>
      {offerAll && (
        <Button size="compact-sm" variant="subtle" onClick={selectAll}>
          {offerAll}
        </Button>
      )}
      {(Object.keys(actions) as Action[]).map((action) => (
        <Button key={action} size="compact-sm" variant="default" onClick={() => setAsked(action)}>
          {actions[action].name}
        </Button>
      ))}
      <Button
        size="compact-sm"
        variant="subtle"
        color="gray"
        onClick={clear}
        leftSection={<Icons.IconCross size={12} />}
      >
        Clear
      </Button>
      <Confirm
        opened={asked !== null}
        close={() => setAsked(null)}
        title={does?.name ?? ''}
        action={
          counted.data
            ? `${does?.name} ${counted.data.is_exact ? '' : 'at least '}${count(counted.data.documents)}`
            : (does?.name ?? '')
        }
        act={async () => {
          await ask(api.POST('/api/v1/batches/{batch}/jobs', { params: { path: { batch: batch.id } }, body }));
          await client.invalidateQueries({ queryKey: ['jobs', batch.id] });
          notifications.show({ message: `${does?.name}: it is being done in the background` });
          clear();
        }}
      >
        <Text size="sm">{does?.says}</Text>
        {asked === 'export' && (
          <SegmentedControl
            value={format}
            onChange={setFormat}
            data={['xlsx', 'csv', 'jsonl', 'parquet']}
            aria-label="Format"
          />
        )}
        {counted.isError ? (
          <Trouble error={counted.error} />
        ) : (
          <Text size="sm" fw={600} data-testid="job-count">
            {counted.data
              ? `${counted.data.is_exact ? '' : 'At least '}${count(counted.data.documents)} documents${asked === 'retry' ? `, about ${money(counted.data.cost_usd)}` : ''}`
              : 'Counting…'}
          </Text>
        )}
      </Confirm>
    </Group>
  );
}
