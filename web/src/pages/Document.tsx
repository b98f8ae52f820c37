// One document: its pages beside its fields, linked both ways; calls, corrections, history.
import {
  ActionIcon,
  Alert,
  Anchor,
  Badge,
  Button,
  Checkbox,
  Code,
  CopyButton,
  Group,
  NumberInput,
  Select,
  Stack,
  Tabs,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, ask, type DocDetail, type LogLine, ProblemError, type Schemas, url } from '../api/client';
import { useStream } from '../api/live';
import { FailedDocument } from '../components/failed';
import * as Icons from '../components/icons';
import { Marked } from '../components/marked';
import { Loading, Trouble, When } from '../components/parts';
import { State } from '../components/state';
import { bytes, clock, count, cut, duration, fieldName, money, words } from '../lib/format';
import { useKeys, useRemembered, useTitle } from '../lib/hooks';
import { type Json, join, put } from '../lib/pointer';
import type { DocumentsSearch } from '../router';

const route = getRouteApi('/batches/$batch/documents/$document');
type Evidence = Schemas['EvidenceView'];
type Reading = Schemas['ReadingView'];
type Schema = {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: Json[];
  description?: string;
  format?: string;
  required?: string[];
  anyOf?: Schema[];
};

const detailKey = (batch: string, document: string) => ['document', batch, document];
const getDetail = (batch: string, document: string) =>
  ask(
    api.GET('/api/v1/batches/{batch}/documents/{document}', {
      params: { path: { batch, document: Number(document) }, query: { raw: true } },
    }),
  );

export default function Document() {
  const { batch: id, document: number } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const at = { batch: id, document: Number(number) };
  const batch = useQuery({
    queryKey: ['batch', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}', { params: { path: { batch: id } } })),
  });
  const query = useQuery({ queryKey: detailKey(id, number), queryFn: () => getDetail(id, number) });
  const doc = query.data;
  useTitle(doc ? doc.name.split('/').at(-1)! : '');

  const around = useAround(id, Number(number), search);
  const go = useCallback(
    (other: number | null | undefined) => {
      if (other)
        void navigate({
          to: '/batches/$batch/documents/$document',
          params: { batch: id, document: String(other) },
          search,
          replace: true,
        });
    },
    [navigate, id, search],
  );

  // The next one is there before anybody asks for it: its data and its first page.
  useEffect(() => {
    for (const other of [around.next, around.previous]) {
      if (!other) continue;
      void client.prefetchQuery({
        queryKey: detailKey(id, String(other)),
        queryFn: () => getDetail(id, String(other)),
        staleTime: 30_000,
      });
      client
        .fetchQuery({
          queryKey: ['reading', id, String(other)],
          queryFn: () => getReading(id, String(other)),
          staleTime: 300_000,
          retry: false,
        })
        .then((reading) => {
          if (reading.has_pictures) new Image().src = pageUrl(id, other, 1);
        })
        // Whoever opens it hears why it cannot be shown.
        .catch(() => {});
    }
  }, [around.next, around.previous, client, id]);

  // Somebody else's review shows before it is overwritten.
  useStream(
    `/batches/${encodeURIComponent(id)}/events`,
    {
      log: (lines: LogLine[]) => {
        if (lines.some((line) => line.document === Number(number)))
          void client.invalidateQueries({ queryKey: detailKey(id, number) });
      },
    },
    () => client.refetchQueries({ queryKey: detailKey(id, number) }, { throwOnError: true }),
  );

  // Corrections that were not saved survive a reload.
  const draftName = `draft.${id}.${number}`;
  const [draft, setDraft] = useRemembered<{ version: number; data: Json } | null>(draftName, null);
  const version = doc?.reviewed?.version ?? 0;
  const standing = (doc?.reviewed?.data ?? doc?.extraction?.data) as Json | undefined;
  const edited = draft !== null;
  const data = (draft?.data ?? standing) as Json | undefined;
  const change = (pointer: string, value: Json | undefined) => {
    if (data !== undefined) setDraft({ version: draft?.version ?? version, data: put(data, pointer, value) });
  };

  const [lit, setLit] = useState<string | null>(null);
  const [tab, setTab] = useState<string | null>('fields');
  const [reviewer] = useRemembered('reviewer', '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another document, another trouble
  useEffect(() => {
    setProblem(null);
    setLit(null);
  }, [id, number]);

  const say = async (verdict: 'approved' | 'rejected') => {
    if (busy || !doc?.extraction) return;
    setBusy(true);
    setProblem(null);
    try {
      const after = await ask(
        api.PUT('/api/v1/batches/{batch}/documents/{document}/review', {
          params: { path: at },
          body: {
            verdict,
            data: edited ? (draft?.data as Record<string, never>) : undefined,
            seen: draft?.version ?? version,
            reviewer: reviewer || undefined,
          },
        }),
      );
      client.setQueryData<DocDetail>(detailKey(id, number), (old) => ({ ...after, calls: old?.calls ?? after.calls }));
      setDraft(null);
      notifications.show({
        message: `No. ${number} ${verdict}`,
        autoClose: 1500,
        color: verdict === 'approved' ? 'green' : 'red',
      });
      go(around.next);
    } catch (error) {
      setProblem(error instanceof ProblemError ? error : new ProblemError(0, 'error', String(error)));
      if (error instanceof ProblemError && error.code === 'changed') void query.refetch();
    } finally {
      setBusy(false);
    }
  };
  useKeys({
    j: () => go(around.next),
    k: () => go(around.previous),
    a: () => void say('approved'),
    r: () => void say('rejected'),
    e: () => {
      setTab('fields');
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>('.doc-fields input, .doc-fields textarea')?.focus(),
      );
    },
  });

  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!doc) return <Loading rows={12} height={36} />;
  const schema = (batch.data?.template_spec as { schema?: Schema } | undefined)?.schema;
  const extraction = doc.extraction;
  return (
    <>
      <Group justify="space-between" mb="xs" wrap="wrap">
        <div style={{ minWidth: 0 }}>
          <Text size="sm">
            <Link to="/batches/$batch" params={{ batch: id }}>
              {batch.data?.name ?? 'Batch'}
            </Link>{' '}
            ›{' '}
            <Link to="/batches/$batch/documents" params={{ batch: id }} search={search}>
              Documents
            </Link>{' '}
            › no. {doc.document}
          </Text>
          <Group gap="sm">
            <h1 title={doc.name}>{cut(doc.name, 70)}</h1>
            <CopyButton value={doc.name}>
              {({ copied, copy }) => (
                <ActionIcon
                  variant="subtle"
                  color={copied ? 'green' : 'gray'}
                  aria-label={copied ? 'Copied' : 'Copy the name'}
                  onClick={copy}
                >
                  {copied ? <Icons.IconCheck /> : <Icons.IconCopy />}
                </ActionIcon>
              )}
            </CopyButton>
            <State of={doc.state} />
            {doc.reviewed && <State of={doc.reviewed.verdict} />}
            {extraction?.simulated && (
              <Badge color="pink" variant="light">
                rehearsal: made up
              </Badge>
            )}
          </Group>
        </div>
        <Group gap={6}>
          <Tooltip label="Previous (k)">
            <ActionIcon
              variant="default"
              size={34}
              aria-label="Previous document"
              disabled={!around.previous}
              onClick={() => go(around.previous)}
            >
              ‹
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Next (j)">
            <ActionIcon
              variant="default"
              size={34}
              aria-label="Next document"
              disabled={!around.next}
              onClick={() => go(around.next)}
            >
              ›
            </ActionIcon>
          </Tooltip>
          <Button
            color="green"
            disabled={!extraction}
            loading={busy}
            leftSection={<Icons.IconCheck />}
            onClick={() => void say('approved')}
          >
            {edited ? 'Save and approve' : 'Approve'}
          </Button>
          <Button
            color="red"
            variant="light"
            disabled={!extraction || busy}
            leftSection={<Icons.IconCross />}
            onClick={() => void say('rejected')}
          >
            Reject
          </Button>
        </Group>
      </Group>
      {problem && (
        <Alert
          color="red"
          mb="xs"
          role="alert"
          title={problem.code === 'changed' ? 'Somebody else was faster' : undefined}
        >
          {problem.message} {problem.hint}
          {problem.code === 'changed' && doc.reviewed && (
            <>
              {' '}
              <Anchor
                component="button"
                type="button"
                size="sm"
                onClick={() => setDraft(data === undefined ? null : { version, data })}
              >
                Keep mine and overwrite
              </Anchor>{' '}
              or{' '}
              <Anchor component="button" type="button" size="sm" onClick={() => setDraft(null)}>
                take theirs
              </Anchor>
            </>
          )}
        </Alert>
      )}
      <div className="doc">
        <Pages batch={id} document={number} evidence={extraction?.evidence ?? []} lit={lit} setLit={setLit} />
        <div className="doc-fields">
          <Tabs value={tab} onChange={setTab} keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="fields">Fields</Tabs.Tab>
              <Tabs.Tab value="calls">Calls ({doc.calls.length})</Tabs.Tab>
              <Tabs.Tab value="history">History ({doc.history.length})</Tabs.Tab>
              <Tabs.Tab value="about">About</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="fields" pt="xs">
              {doc.error && (
                <Alert color={doc.state === 'failed' ? 'red' : 'gray'} mb="xs" title={words(doc.error_code ?? '')}>
                  {doc.error}
                  {doc.state === 'failed' && (
                    <FailedDocument batch={id} document={doc.document} code={doc.error_code ?? ''} />
                  )}
                </Alert>
              )}
              {doc.duplicate_of && (
                <Text size="sm">
                  The same content as{' '}
                  <Link
                    to="/batches/$batch/documents/$document"
                    params={{ batch: id, document: String(doc.duplicate_of) }}
                  >
                    no. {doc.duplicate_of}
                  </Link>
                  , which is processed in its place.
                </Text>
              )}
              {extraction && data !== undefined ? (
                <>
                  {edited && (
                    <Group gap="xs" mb="xs">
                      <Text size="sm" c="orange">
                        Not saved yet.
                      </Text>
                      <Anchor component="button" type="button" size="sm" onClick={() => setDraft(null)}>
                        Undo all changes
                      </Anchor>
                    </Group>
                  )}
                  {extraction.findings.map((finding) => (
                    <Alert key={finding.check + finding.field} color="orange" p="xs" mb={6} icon={<Icons.IconWarn />}>
                      <Text size="sm">
                        {finding.field && <b>{fieldName(finding.field)}: </b>}
                        {finding.message}
                      </Text>
                    </Alert>
                  ))}
                  <Fields
                    value={data}
                    was={extraction.data as Json}
                    schema={schema}
                    pointer=""
                    extraction={extraction}
                    lit={lit}
                    setLit={setLit}
                    change={change}
                  />
                </>
              ) : (
                !doc.error && !doc.duplicate_of && <Text size="sm">There is no result yet.</Text>
              )}
            </Tabs.Panel>
            <Tabs.Panel value="calls" pt="xs">
              <Calls at={at} doc={doc} />
            </Tabs.Panel>
            <Tabs.Panel value="history" pt="xs">
              {doc.history.length === 0 && <Text size="sm">Nobody has reviewed it yet.</Text>}
              {doc.history.map((entry) => (
                <div key={entry.at} style={{ marginBottom: 12 }}>
                  <Group gap="xs">
                    <State of={entry.verdict} />
                    <Text size="sm">
                      {entry.reviewer} · <When at={entry.at} />
                    </Text>
                  </Group>
                  {entry.changes.map((change) => (
                    <Text size="sm" key={change.field} className="wrap-any">
                      {fieldName(change.field)}: <del>{JSON.stringify(change.from) ?? 'nothing'}</del> →{' '}
                      <b>{JSON.stringify(change.to) ?? 'nothing'}</b>
                    </Text>
                  ))}
                </div>
              ))}
            </Tabs.Panel>
            <Tabs.Panel value="about" pt="xs">
              <Stack gap={4}>
                {(
                  [
                    ['Name', doc.name],
                    ['Where it is read', doc.key],
                    ['Size', bytes(doc.bytes)],
                    ['Class', `${words(doc.class)} (${doc.kind})`],
                    ['Pages', doc.pages ?? '–'],
                    ['Cost', money(doc.cost_usd)],
                    [
                      'Tokens',
                      `${count(doc.usage.input_tokens + doc.usage.cached_input_tokens + doc.usage.cache_write_tokens)} in, ${count(doc.usage.output_tokens)} out`,
                    ],
                    ['Risk', doc.risk ?? '–'],
                    ['Content', doc.content_hash ?? '–'],
                  ] as const
                ).map(([name, value]) => (
                  <Group key={name} gap="xs" wrap="nowrap" align="flex-start">
                    <Text size="sm" c="dimmed" w={120} style={{ flexShrink: 0 }}>
                      {name}
                    </Text>
                    <Text size="sm" className="wrap-any">
                      {value}
                    </Text>
                  </Group>
                ))}
                <Anchor size="sm" href={url(`/batches/${id}/documents/${number}/content`)}>
                  Save the document
                </Anchor>
              </Stack>
            </Tabs.Panel>
          </Tabs>
        </div>
      </div>
    </>
  );
}

/** The documents before and after this one in the list it was opened from. */
function useAround(
  batch: string,
  number: number,
  search: DocumentsSearch,
): { previous: number | null; next: number | null } {
  const { page: _page, limit: _limit, ...filters } = search;
  const { data } = useQuery({
    queryKey: ['around', batch, number, filters],
    queryFn: async () => {
      const answer = await ask(
        api.GET('/api/v1/batches/{batch}/documents/{document}/around', {
          params: { path: { batch, document: number }, query: filters },
        }),
      );
      return answer;
    },
    staleTime: 10_000,
  });
  return { previous: data?.previous ?? null, next: data?.next ?? null };
}

const getReading = (batch: string, document: string) =>
  ask(
    api.GET('/api/v1/batches/{batch}/documents/{document}/reading', {
      params: { path: { batch, document: Number(document) }, query: {} },
    }),
  );
const pageUrl = (batch: string, document: number | string, page: number, dpi = 110) =>
  url(`/batches/${batch}/documents/${document}/pages/${page}?dpi=${dpi}`);

function Pages({
  batch,
  document,
  evidence,
  lit,
  setLit,
}: {
  batch: string;
  document: string;
  evidence: Evidence[];
  lit: string | null;
  setLit: (field: string | null) => void;
}) {
  const reading = useQuery({
    queryKey: ['reading', batch, document],
    queryFn: () => getReading(batch, document),
    staleTime: 300_000,
    retry: false,
  });
  const [zoom, setZoom] = useState<number | 'fit'>('fit');
  const [turn, setTurn] = useState(0);
  const [text, setText] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const step = (by: number) => setZoom((now) => Math.min(4, Math.max(0.25, (now === 'fit' ? 1 : now) * by)));
  useKeys({ '+': () => step(1.25), '=': () => step(1.25), '-': () => step(0.8), '0': () => setZoom('fit') });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another document lies upright
  useEffect(() => {
    setTurn(0);
    holder.current?.scrollTo(0, 0);
  }, [document]);
  useEffect(() => {
    if (!lit) return;
    const found = holder.current?.querySelector(`[data-field="${CSS.escape(lit)}"]`);
    found?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
  }, [lit]);

  return (
    <div style={{ display: 'flex', flexDirection: 'column', minHeight: 0, minWidth: 0 }}>
      <Group gap={6} mb={6}>
        <ActionIcon variant="default" aria-label="Zoom out" onClick={() => step(0.8)}>
          −
        </ActionIcon>
        <ActionIcon variant="default" aria-label="Zoom in" onClick={() => step(1.25)}>
          +
        </ActionIcon>
        <Button size="compact-sm" variant="default" onClick={() => setZoom('fit')}>
          Fit
        </Button>
        <ActionIcon variant="default" aria-label="Rotate" onClick={() => setTurn((now) => (now + 90) % 360)}>
          <Icons.IconRotate />
        </ActionIcon>
        <Checkbox size="xs" label="Text" checked={text} onChange={(event) => setText(event.currentTarget.checked)} />
        <Text size="sm" c="dimmed" ml="auto">
          {reading.data && `${count(reading.data.page_count)} page${reading.data.page_count === 1 ? '' : 's'}`}
        </Text>
      </Group>
      <section className="doc-pages" ref={holder} tabIndex={0} aria-label="Pages">
        {reading.isError && (
          <Text size="sm" c="dimmed" p="md">
            The pages cannot be shown: {reading.error.message}.{' '}
            <Anchor component="button" type="button" size="sm" onClick={() => void reading.refetch()}>
              Try again
            </Anchor>
          </Text>
        )}
        {reading.isPending && <Loading rows={1} height={400} />}
        {reading.data?.pages.map((page) => (
          <Page
            key={page.number}
            batch={batch}
            document={document}
            page={page}
            reading={reading.data}
            evidence={evidence.filter((it) => it.page === page.number)}
            zoom={zoom}
            turn={turn}
            text={text}
            lit={lit}
            setLit={setLit}
          />
        ))}
        {reading.data?.notes.map((note) => (
          <Text size="sm" key={note} c="dimmed">
            {note}
          </Text>
        ))}
      </section>
    </div>
  );
}

function Page({
  batch,
  document,
  page,
  reading,
  evidence,
  zoom,
  turn,
  text,
  lit,
  setLit,
}: {
  batch: string;
  document: string;
  page: Reading['pages'][number];
  reading: Reading;
  evidence: Evidence[];
  zoom: number | 'fit';
  turn: number;
  text: boolean;
  lit: string | null;
  setLit: (field: string | null) => void;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(page.number <= 2);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const element = holder.current;
    if (!element || near) return;
    // A document of 300 pages loads those that are looked at.
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      { rootMargin: '800px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [near]);
  const pictures = reading.has_pictures && page.width > 0 && page.height > 0 && !failed;
  const wantsText = near && (text || !pictures);
  const whole = useQuery({
    queryKey: ['page', batch, document, page.number],
    queryFn: async () => {
      const answer = await ask(
        api.GET('/api/v1/batches/{batch}/documents/{document}/reading', {
          params: { path: { batch, document: Number(document) }, query: { page: page.number } },
        }),
      );
      return answer.pages.find((it) => it.number === page.number) ?? page;
    },
    enabled: wantsText,
    staleTime: 300_000,
    retry: false,
  });

  if (!pictures) {
    return (
      <div ref={holder} className="text-page">
        {page.label && <b>{page.label}</b>}
        {whole.data ? (
          <Marked text={whole.data.text ?? ''} evidence={evidence} lit={lit} setLit={setLit} focus={focusField} />
        ) : (
          <Loading rows={6} />
        )}
      </div>
    );
  }
  const dpi = zoom !== 'fit' && zoom > 1.4 ? 220 : 110;
  const sideways = turn % 180 !== 0;
  const width = zoom === 'fit' ? '100%' : `${page.width * zoom * 1.2}px`;
  return (
    <div
      ref={holder}
      style={{
        width,
        margin: '0 auto 12px',
        aspectRatio: sideways ? `${page.height} / ${page.width}` : `${page.width} / ${page.height}`,
        position: 'relative',
        overflow: 'hidden',
      }}
      data-page={page.number}
    >
      <div
        className="page"
        style={
          sideways
            ? {
                position: 'absolute',
                width: `${(page.width / page.height) * 100}%`,
                height: `${(page.height / page.width) * 100}%`,
                top: '50%',
                left: '50%',
                transform: `translate(-50%, -50%) rotate(${turn}deg)`,
                margin: 0,
              }
            : { width: '100%', height: '100%', transform: `rotate(${turn}deg)`, margin: 0 }
        }
      >
        {near && (
          <img
            src={pageUrl(batch, document, page.number, dpi)}
            alt={`Page ${page.number}`}
            onError={() => setFailed(true)}
            draggable={false}
          />
        )}
        <svg viewBox={`0 0 ${page.width} ${page.height}`} preserveAspectRatio="none" style={{ pointerEvents: 'none' }}>
          <title>Where values stand</title>
          {evidence.map((found) => {
            if (!found.bbox) return null;
            const [x0, y0, x1, y1] = found.bbox as [number, number, number, number];
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: the fields beside it are the way for keyboards
              <rect
                key={found.field}
                className="box"
                data-field={found.field}
                data-lit={lit === found.field}
                x={x0 - 2}
                y={y0 - 2}
                width={x1 - x0 + 4}
                height={y1 - y0 + 4}
                onMouseEnter={() => setLit(found.field)}
                onClick={() => focusField(found.field)}
              >
                <title>{`${fieldName(found.field)}: ${found.quote}`}</title>
              </rect>
            );
          })}
        </svg>
        {text && whole.data && (
          <div className="text-layer">
            {whole.data.words?.map((word, index) => {
              const [x0, y0, x1, y1] = word.bbox as [number, number, number, number];
              return (
                <span
                  // biome-ignore lint/suspicious/noArrayIndexKey: words have no other name
                  key={index}
                  style={{
                    left: `${(x0 / page.width) * 100}%`,
                    top: `${(y0 / page.height) * 100}%`,
                    width: `${((x1 - x0) / page.width) * 100}%`,
                    height: `${((y1 - y0) / page.height) * 100}%`,
                    fontSize: `${(y1 - y0) * 0.9}px`,
                    outline: '1px solid rgb(0 0 0 / 0.15)',
                  }}
                >
                  {`${word.text} `}
                </span>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

function focusField(field: string) {
  document.querySelector<HTMLElement>(`[data-input="${CSS.escape(field)}"]`)?.focus();
}

type FieldsProps = {
  value: Json;
  was: Json | undefined;
  schema: Schema | undefined;
  pointer: string;
  extraction: Schemas['ExtractionView'];
  lit: string | null;
  setLit: (field: string | null) => void;
  change: (pointer: string, value: Json | undefined) => void;
};

/** An object or a list of fields, as the schema orders them. */
function Fields(props: FieldsProps) {
  const { value, was, schema, pointer } = props;
  if (Array.isArray(value)) {
    const old = Array.isArray(was) ? was : [];
    return (
      <>
        {value.map((item, index) => {
          const at = join(pointer, index);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: items of a list are known by their place
            <div key={index} className="field-group">
              <Group justify="space-between" gap={4}>
                <Text size="xs" c="dimmed">
                  {index + 1}
                </Text>
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label={`Take out ${fieldName(at)}`}
                  onClick={() => props.change(at, undefined)}
                >
                  <Icons.IconCross size={10} />
                </ActionIcon>
              </Group>
              <Any {...props} value={item} was={old[index]} schema={schema?.items} pointer={at} name="" />
            </div>
          );
        })}
        <Button
          size="compact-xs"
          variant="subtle"
          ml={6}
          onClick={() => props.change(join(pointer, value.length), blank(schema?.items))}
        >
          Add one
        </Button>
      </>
    );
  }
  if (value !== null && typeof value === 'object') {
    const names = [...new Set([...Object.keys(schema?.properties ?? {}), ...Object.keys(value)])];
    const before = was !== null && typeof was === 'object' && !Array.isArray(was) ? was : undefined;
    return (
      <>
        {names.map((name) => (
          <Any
            key={name}
            {...props}
            value={value[name] ?? null}
            was={before?.[name]}
            schema={schema?.properties?.[name]}
            pointer={join(pointer, name)}
            name={name}
          />
        ))}
      </>
    );
  }
  return null;
}

function blank(schema: Schema | undefined): Json {
  const kind = kindOf(schema, null);
  return kind === 'object' ? {} : kind === 'array' ? [] : null;
}

function kindOf(schema: Schema | undefined, value: Json): string {
  const types = [schema?.type, ...(schema?.anyOf ?? []).map((it) => it.type)]
    .flat()
    .filter((type) => type && type !== 'null');
  if (types[0]) return types[0] as string;
  if (Array.isArray(value)) return 'array';
  if (value !== null && typeof value === 'object') return 'object';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string';
}

function Any(props: FieldsProps & { name: string }) {
  const { value, schema, pointer, name } = props;
  const kind = kindOf(schema, value);
  if (kind === 'object' || kind === 'array') {
    const inner = value ?? (kind === 'array' ? [] : {});
    return name === '' ? (
      <Fields {...props} value={inner} />
    ) : (
      <div>
        <div className="field-name" style={{ padding: '4px 6px' }}>
          {words(name)}
        </div>
        <div className="field-group">
          <Fields {...props} value={inner} pointer={pointer} />
        </div>
      </div>
    );
  }
  return <Leaf {...props} kind={kind} />;
}

/** One value: where it stands lights up on the page; what could not be found there says so. */
function Leaf({
  value,
  was,
  schema,
  pointer,
  extraction,
  lit,
  setLit,
  change,
  name,
  kind,
}: FieldsProps & { name: string; kind: string }) {
  const found = extraction.evidence.find((it) => it.field === pointer);
  const ungrounded = extraction.ungrounded.includes(pointer);
  const finding = extraction.findings.find((it) => it.field === pointer);
  const corrected = JSON.stringify(value) !== JSON.stringify(was ?? null);
  const invalid = value !== null && value !== '' ? wrong(value, schema, kind) : null;
  const label = name === '' ? fieldName(pointer) : words(name);
  const shared = {
    size: 'xs' as const,
    'aria-label': label,
    'data-input': pointer,
    error: invalid ?? undefined,
    onFocus: () => setLit(pointer),
  };
  const options = schema?.enum?.filter((option): option is string => typeof option === 'string');
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only lights its place; focus does the same
    <div className="field" data-lit={lit === pointer} onMouseEnter={() => setLit(pointer)}>
      <div className="field-name" title={schema?.description}>
        {label}
      </div>
      {options && options.length > 0 ? (
        <Select
          {...shared}
          data={options}
          value={typeof value === 'string' ? value : null}
          clearable
          onChange={(next) => change(pointer, next)}
        />
      ) : kind === 'boolean' ? (
        <Checkbox
          {...shared}
          checked={value === true}
          onChange={(event) => change(pointer, event.currentTarget.checked)}
        />
      ) : kind === 'number' || kind === 'integer' ? (
        <NumberInput
          {...shared}
          hideControls
          allowDecimal={kind === 'number'}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => change(pointer, next === '' ? null : Number(next))}
        />
      ) : typeof value === 'string' && value.length > 60 ? (
        <Textarea
          {...shared}
          autosize
          maxRows={8}
          value={value}
          onChange={(event) => change(pointer, event.currentTarget.value)}
        />
      ) : (
        <TextInput
          {...shared}
          value={value === null ? '' : String(value)}
          onChange={(event) => change(pointer, event.currentTarget.value === '' ? null : event.currentTarget.value)}
        />
      )}
      <span>
        {corrected ? (
          <Tooltip label={`Corrected; it was ${JSON.stringify(was ?? null)}`}>
            <span role="img" aria-label="corrected" style={{ color: 'var(--mantine-color-blue-text)' }}>
              <Icons.IconPencil size={14} />
            </span>
          </Tooltip>
        ) : finding ? (
          <Tooltip label={finding.message}>
            <span role="img" aria-label={finding.message} style={{ color: 'var(--mantine-color-orange-text)' }}>
              <Icons.IconWarn size={14} />
            </span>
          </Tooltip>
        ) : ungrounded ? (
          <Tooltip label="Not found on the pages: look closely">
            <span
              role="img"
              aria-label="not found on the pages"
              style={{ color: 'var(--mantine-color-red-text)', fontWeight: 700 }}
            >
              ?
            </span>
          </Tooltip>
        ) : found ? (
          <Tooltip label={`Page ${found.page}: “${cut(found.quote, 80)}”`}>
            <span
              role="img"
              aria-label={`found on page ${found.page}`}
              style={{ color: 'var(--mantine-color-green-text)' }}
            >
              <Icons.IconCheck size={14} />
            </span>
          </Tooltip>
        ) : null}
      </span>
    </div>
  );
}

/** What is wrong with a value, while it is typed; the server checks the whole again. */
function wrong(value: Json, schema: Schema | undefined, kind: string): string | null {
  if (kind === 'integer' && typeof value === 'number' && !Number.isInteger(value)) return 'a whole number';
  if (schema?.format === 'date' && typeof value === 'string' && !/^\d{4}-\d{2}-\d{2}$/.test(value))
    return 'a date like 2026-03-14';
  return null;
}

function Calls({ at, doc }: { at: { batch: string; document: number }; doc: DocDetail }) {
  const [asked, setAsked] = useState(false);
  const prompt = useQuery({
    queryKey: ['prompt', at],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/documents/{document}/prompt', { params: { path: at } })),
    enabled: asked,
    retry: false,
  });
  return (
    <Stack gap="sm">
      {doc.calls.length === 0 && (
        <Text size="sm">
          No call was made:{' '}
          {doc.state === 'completed' ? 'an answer paid for before was used again.' : 'its turn has not come.'}
        </Text>
      )}
      {doc.calls.map((call) => (
        <div key={call.number}>
          <Group gap="xs">
            <b>{call.number}</b>
            <Text size="sm">{call.model}</Text>
            <Badge
              size="sm"
              variant="light"
              color={call.error_code ? 'red' : call.outcome === 'answered' ? 'green' : 'gray'}
            >
              {words(call.error_code ?? call.outcome)}
            </Badge>
          </Group>
          <Text size="sm" c="dimmed">
            {clock(call.started_at)} ·{' '}
            {call.latency_ms < 10_000 ? `${count(call.latency_ms)} ms` : duration(call.latency_ms / 1000)} ·{' '}
            {money(call.cost_usd)} of {money(call.reserved_usd)} held back ·{' '}
            {count(call.usage.input_tokens + call.usage.cached_input_tokens + call.usage.cache_write_tokens)} tokens in,{' '}
            {count(call.usage.output_tokens)} out
            {call.request_id && ` · ${call.request_id}`}
          </Text>
          {call.error && (
            <Text size="sm" c="red">
              {call.error}
            </Text>
          )}
          {call.raw_answer && (
            <details>
              <summary style={{ fontSize: 13 }}>The answer as it came</summary>
              <Code block className="wrap-any" style={{ whiteSpace: 'pre-wrap', maxHeight: 320, overflow: 'auto' }}>
                {call.raw_answer}
              </Code>
            </details>
          )}
        </div>
      ))}
      <details onToggle={(event) => event.currentTarget.open && setAsked(true)}>
        <summary style={{ fontSize: 13 }}>What the model is asked</summary>
        {prompt.isError && <Trouble error={prompt.error} />}
        {prompt.isPending && asked && <Loading rows={3} />}
        {prompt.data && (
          <Stack gap="xs">
            <Code block style={{ whiteSpace: 'pre-wrap', maxHeight: 240, overflow: 'auto' }}>
              {prompt.data.system}
            </Code>
            {prompt.data.parts.map((part, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parts are known by their place
              <div key={index}>
                <Text size="xs" c="dimmed">
                  Part {index + 1}: about {count(part.input_tokens)} tokens
                  {part.pictures > 0 && `, ${part.pictures} pictures`}
                </Text>
                <Code block style={{ whiteSpace: 'pre-wrap', maxHeight: 320, overflow: 'auto' }}>
                  {part.text}
                </Code>
              </div>
            ))}
          </Stack>
        )}
      </details>
    </Stack>
  );
}
