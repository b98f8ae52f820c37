// One document: its pages beside its fields, linked both ways; calls, corrections, history.
import { ActionIcon, Alert, Anchor, Badge, Button, CopyButton, Group, Stack, Tabs, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, ask, type DocDetail, type LogLine, ProblemError, url } from '../api/client';
import { useStream } from '../api/live';
import { Calls } from '../components/calls';
import { FailedDocument } from '../components/failed';
import { Fields, type Schema } from '../components/fields';
import * as Icons from '../components/icons';
import { Loading, Trouble, When } from '../components/parts';
import { getReading, Pages, pageUrl } from '../components/reading';
import { State } from '../components/state';
import { bytes, count, cut, fieldName, money, words } from '../lib/format';
import { useKeys, useRemembered, useTitle } from '../lib/hooks';
import { type Json, put } from '../lib/pointer';
import { useMay } from '../lib/session';
import type { DocumentsSearch } from '../router';

const route = getRouteApi('/batches/$batch/documents/$document');
const detailKey = (batch: string, document: string) => ['document', batch, document];
const getDetail = (batch: string, document: string) =>
  ask(
    api.GET('/api/v1/batches/{batch}/documents/{document}', {
      params: { path: { batch, document: Number(document) }, query: { raw: true } },
    }),
  );

/** A document is looked at for so long before a key can approve or reject it. */
const SEEN_MS = 350;

export default function Document() {
  const mayReview = useMay('review');
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
  // Another document, another trouble. Not in an effect: that could come after the first thing a person does.
  const [shown, setShown] = useState(`${id}/${number}`);
  if (shown !== `${id}/${number}`) {
    setShown(`${id}/${number}`);
    setProblem(null);
    setLit(null);
  }

  // A key pressed twice must not say something about a document that nobody has seen yet.
  const seenSince = useRef<number | null>(null);
  const isThere = doc?.document === Number(number);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another document has to be seen anew
  useEffect(() => {
    seenSince.current = null;
    if (!isThere) return;
    let frame = requestAnimationFrame(() => {
      // The frame after the one in which it was drawn.
      frame = requestAnimationFrame(() => {
        seenSince.current = performance.now();
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [id, number, isThere]);
  const isSeen = () => seenSince.current !== null && performance.now() - seenSince.current >= SEEN_MS;

  const say = async (verdict: 'approved' | 'rejected') => {
    if (busy || !doc?.extraction) return;
    if (!mayReview) return;
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
    a: () => isSeen() && void say('approved'),
    r: () => isSeen() && void say('rejected'),
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
            disabled={!extraction || !mayReview}
            loading={busy}
            leftSection={<Icons.IconCheck />}
            onClick={() => void say('approved')}
          >
            {edited ? 'Save and approve' : 'Approve'}
          </Button>
          <Button
            color="red"
            variant="light"
            disabled={!extraction || busy || !mayReview}
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
                    <Alert
                      key={finding.check + finding.field + finding.message}
                      color="orange"
                      p="xs"
                      mb={6}
                      icon={<Icons.IconWarn />}
                    >
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
  const { page: _page, limit: _limit, columns: _columns, ...filters } = search;
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
