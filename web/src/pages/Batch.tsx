// One batch: where it stands, what it costs, when it will be done, what failed, and everything that steers it.
import { ActionIcon, Alert, Anchor, Button, Group, Menu, Progress, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { api, ask, type BatchDetail, type Batch as BatchView, type Job, type LogLine } from '../api/client';
import { useStream } from '../api/live';
import { Connected } from '../components/connected';
import { EstimateTable } from '../components/estimate';
import { ExportButton } from '../components/export';
import { Failures } from '../components/failures';
import * as Icons from '../components/icons';
import { Jobs } from '../components/jobs';
import { Ledger } from '../components/ledger';
import { Log } from '../components/log';
import {
  BudgetBar,
  Confirm,
  CountersBar,
  Figure,
  Loading,
  Remarks,
  TextButton,
  Trouble,
  When,
} from '../components/parts';
import { State } from '../components/state';
import { Budget, Forget, Pace, Rename } from '../components/steer';
import { count, counted, duration, money, percent, rate, words } from '../lib/format';
import { useTitle } from '../lib/hooks';
import { merged } from '../lib/lines';
import { useMay } from '../lib/session';

const Activity = lazy(() => import('../components/activity'));
const route = getRouteApi('/batches/$batch');
const ended = ['completed', 'completed_with_failures', 'budget_exhausted', 'cancelled', 'failed'];

type Asked = 'pause' | 'cancel' | 'budget' | 'concurrency' | 'name' | 'ledger' | 'forget' | null;

export default function Batch() {
  const { batch: id } = route.useParams();
  const client = useQueryClient();
  const [asked, setAsked] = useState<Asked>(null);
  const key = ['batch', id];
  const path = { path: { batch: id } };
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET('/api/v1/batches/{batch}', { params: path })) });
  const log = useQuery({
    queryKey: ['log', id],
    queryFn: async () => {
      const { events } = await ask(
        api.GET('/api/v1/batches/{batch}/log', { params: { ...path, query: { limit: 300 } } }),
      );
      // Lines may have come by the stream meanwhile.
      const known = client.getQueryData<{ events: LogLine[] }>(['log', id])?.events ?? [];
      return { events: merged(known, events) };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  const batch = query.data;

  const failed = batch?.documents.failed ?? 0;
  const failures = useQuery({
    // As many may fail again after a retry, for another cause: the end of the run tells them apart.
    queryKey: ['failures', id, failed, batch?.ended_at],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/failures', { params: path })),
    enabled: failed > 0,
    placeholderData: (before) => before,
  });
  const jobs = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/jobs', { params: path })),
  });

  const mayRun = useMay('run');
  const mayManage = useMay('manage');
  const connection = useStream(
    query.isSuccess ? `/batches/${encodeURIComponent(id)}/events` : null,
    {
      batch: (view: BatchView) => {
        const before = client.getQueryData<BatchDetail>(key);
        client.setQueryData<BatchDetail>(key, (old) => (old ? { ...old, ...view, live: view.live } : old));
        if (before && before.state !== view.state && ended.includes(view.state)) announce(view);
      },
      jobs: (list: Job[]) => client.setQueryData(['jobs', id], { jobs: list }),
      log: (lines: LogLine[]) =>
        client.setQueryData<{ events: LogLine[] }>(['log', id], (old) => ({
          events: merged(old?.events ?? [], lines),
        })),
      gap: () => {},
    },
    () =>
      Promise.all([
        client.refetchQueries({ queryKey: key }, { throwOnError: true }),
        client.refetchQueries({ queryKey: ['log', id] }),
        client.refetchQueries({ queryKey: ['jobs', id] }),
      ]),
  );

  const done = batch
    ? batch.documents.completed + batch.documents.failed + batch.documents.skipped + batch.documents.cancelled
    : 0;
  const share = batch && batch.documents.total > 0 ? done / batch.documents.total : 0;
  /** What alerts said about this batch. */
  function Told({ batch }: { batch: string }) {
    const query = useQuery({
      queryKey: ['deliveries', batch],
      queryFn: () => ask(api.GET('/api/v1/deliveries', { params: { query: { batch } } })),
      refetchInterval: 5_000,
    });
    const told = query.data?.deliveries ?? [];
    if (told.length === 0) return null;
    return (
      <Alert color="yellow" mt="sm" icon={<Icons.IconBell />} title={told.length === 1 ? 'Alert' : 'Alerts'}>
        {told.slice(0, 3).map((it) => (
          <div key={it.id}>
            <When at={it.at} />: {it.text}{' '}
            <span className="faint">
              ({it.rule}, {it.outcome === 'failed' ? `not delivered: ${it.answer}` : it.outcome})
            </span>
          </div>
        ))}
        {told.length > 3 && <Link to="/alerts">{`${told.length - 3} more`}</Link>}
      </Alert>
    );
  }

  /** Seconds from the first start to the end. */
  const took =
    batch?.ended_at && batch.started_at
      ? Math.max(0.1, (Date.parse(batch.ended_at) - Date.parse(batch.started_at)) / 1000)
      : null;
  useTitle(
    batch ? (batch.state === 'running' ? `${percent(Math.floor(share * 100) / 100)} – ${batch.name}` : batch.name) : '',
  );
  useProgressIcon(batch?.state === 'running' ? share : null);

  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!batch) return <Loading rows={8} height={40} />;

  const act = async (what: 'start' | 'pause' | 'resume' | 'cancel') => {
    const calls = {
      start: () => api.POST('/api/v1/batches/{batch}/start', { params: path }),
      pause: () => api.POST('/api/v1/batches/{batch}/pause', { params: path }),
      resume: () => api.POST('/api/v1/batches/{batch}/resume', { params: path }),
      cancel: () => api.POST('/api/v1/batches/{batch}/cancel', { params: path }),
    };
    const view = await ask(calls[what]());
    client.setQueryData<BatchDetail>(key, (old) => (old ? { ...old, ...view } : old));
  };
  const tell = (what: 'start' | 'resume') =>
    act(what).catch((error: Error & { hint?: string }) =>
      notifications.show({
        color: 'red',
        title: 'This did not work',
        message: [error.message, error.hint].filter(Boolean).join(' '),
        autoClose: 10_000,
      }),
    );

  const { documents, live } = batch;
  const preparing = jobs.data?.jobs.find((job) => job.kind === 'prepare' && job.state === 'running');
  return (
    <>
      <Group justify="space-between" align="flex-start" mb="sm">
        <div style={{ minWidth: 0 }}>
          <Group gap="sm">
            <h1>{batch.name}</h1>
            <State of={batch.state} />
            <Connected connection={connection} />
          </Group>
          <Text size="sm" c="dimmed" className="wrap-any">
            {batch.template} · {[batch.model, ...batch.fallback].join(', then ')}
            {batch.base_url ? ` at ${batch.base_url}` : ''} · {batch.short_id} · made <When at={batch.created_at} />
            {batch.owner ? ` by ${batch.owner}` : ''}
          </Text>
        </div>
        <Group gap="xs">
          {mayRun && ['draft', 'ready', 'estimating'].includes(batch.state) && !preparing && (
            <Button leftSection={<Icons.IconPlay />} onClick={() => tell('start')}>
              Start
            </Button>
          )}
          {mayRun && batch.state === 'running' && (
            <Button variant="default" leftSection={<Icons.IconPause />} onClick={() => setAsked('pause')}>
              Pause
            </Button>
          )}
          {mayRun &&
            ['paused', 'cancelled', 'failed'].includes(batch.state) &&
            documents.pending + documents.cancelled > 0 && (
              <Button leftSection={<Icons.IconPlay />} onClick={() => tell('resume')}>
                Resume
              </Button>
            )}
          {mayRun && batch.state === 'budget_exhausted' && (
            <Button leftSection={<Icons.IconWallet />} onClick={() => setAsked('budget')}>
              Raise the budget
            </Button>
          )}
          <Button
            component={Link}
            to={`/batches/${batch.id}/documents`}
            variant="default"
            leftSection={<Icons.IconList />}
          >
            Documents
          </Button>
          {documents.completed > 0 && <ExportButton batch={batch.id} />}
          {mayRun && (
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon variant="default" size={36} aria-label="More actions">
                  <Icons.IconMore />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => setAsked('budget')}>Change the budget</Menu.Item>
                <Menu.Item onClick={() => setAsked('concurrency')}>Change concurrency, priority and hours</Menu.Item>
                <Menu.Item onClick={() => setAsked('ledger')}>Ledger</Menu.Item>
                <Menu.Item onClick={() => setAsked('name')}>Rename</Menu.Item>
                <Menu.Divider />
                <Menu.Item
                  color="red"
                  disabled={['completed', 'completed_with_failures', 'cancelled'].includes(batch.state)}
                  onClick={() => setAsked('cancel')}
                >
                  Cancel the batch
                </Menu.Item>
                {mayManage && (
                  <Menu.Item color="red" disabled={batch.state === 'running'} onClick={() => setAsked('forget')}>
                    Forget what was learned
                  </Menu.Item>
                )}
              </Menu.Dropdown>
            </Menu>
          )}
        </Group>
      </Group>

      <Reason batch={batch} raise={() => setAsked('budget')} />
      {live?.trouble != null && (
        <Alert color="yellow" mb="sm" title="It does not get on at the moment" role="status">
          {live.trouble}
        </Alert>
      )}
      {preparing && (
        <Alert color="blue" mb="sm" title={preparing.message || 'Getting ready'} role="status">
          {preparing.total > 0
            ? `${count(preparing.done)} of ${count(preparing.total)}`
            : `${count(preparing.done)} found`}
          . Nothing is paid yet.
          {preparing.total > 0 && (
            <Progress mt={6} value={(preparing.done / preparing.total) * 100} aria-label="Counted" />
          )}
        </Alert>
      )}

      <div className="figures" style={{ alignItems: 'flex-end' }}>
        <Figure
          big
          label="Done"
          value={percent(Math.floor(share * 1000) / 1000, share > 0 && share < 1 ? 1 : 0)}
          note={`${count(done)} of ${counted(documents.total, 'document')}`}
        />
        <Figure
          label="Speed"
          value={live ? rate(live.documents_per_second) : took ? rate(done / took) : '–'}
          note={live ? `${rate(live.calls_per_second)} calls` : took ? 'on the whole' : ' '}
        />
        {took ? (
          <Figure label="Took" value={duration(took)} note={batch.ended_at && <When at={batch.ended_at} />} />
        ) : (
          <Figure
            label="Done in"
            value={live?.eta_seconds != null ? duration(live.eta_seconds) : '–'}
            note={
              live?.eta_seconds != null
                ? `${duration(live.eta_low_seconds ?? 0)} to ${duration(live.eta_high_seconds ?? 0)}`
                : ' '
            }
          />
        )}
        <Figure
          label="Cost"
          value={
            <Anchor
              component="button"
              type="button"
              inherit
              c="inherit"
              onClick={() => setAsked('budget')}
              aria-label="Change the budget"
            >
              {money(batch.money.settled_usd)}
              {batch.money.budget_usd != null && <span className="faint"> of {money(batch.money.budget_usd)}</span>}
            </Anchor>
          }
          note={
            <Remarks
              of={[
                batch.money.reserved_usd > 0 && `${money(batch.money.reserved_usd)} held back`,
                batch.money.unconfirmed_usd > 0 && (
                  <TextButton key="unconfirmed" onClick={() => setAsked('ledger')}>
                    {money(batch.money.unconfirmed_usd)} unconfirmed
                  </TextButton>
                ),
                live?.projected_usd != null && `about ${money(live.projected_usd)} in the end`,
              ]}
            />
          }
        />
        {live && (
          <Figure
            label="Decided by"
            value={bounds[live.bound_by] ?? words(live.bound_by)}
            note={
              live.utilisation != null
                ? `${percent(live.utilisation)} of the provider’s limit`
                : live.lane_places > 0
                  ? `${count(live.lane_in_use)} of ${count(live.lane_places)} calls in flight`
                  : ' '
            }
          />
        )}
      </div>
      <Stack gap={6} mt="xs">
        <CountersBar batch={batch} size={14} />
        <Counters batch={batch} />
        {batch.money.budget_usd != null && (
          <>
            <BudgetBar batch={batch} size={8} />
            <Text size="sm" c="dimmed">
              {percent(
                batch.money.budget_usd > 0
                  ? (batch.money.settled_usd + batch.money.unconfirmed_usd) / batch.money.budget_usd
                  : 1,
                1,
              )}{' '}
              of the budget used
            </Text>
          </>
        )}
      </Stack>
      <Told batch={id} />

      {batch.estimate && !batch.started_at && (
        <section className="section" aria-label="Estimate">
          <h2>What it will cost</h2>
          <EstimateTable estimate={batch.estimate} />
        </section>
      )}

      {failed > 0 && (
        <section className="section" aria-label="Failures">
          <h2>{counted(failed, 'failure')}, by cause</h2>
          {failures.data ? <Failures batch={batch} failures={failures.data.failures} /> : <Loading rows={2} />}
        </section>
      )}

      <Jobs batch={id} jobs={jobs.data?.jobs ?? []} />

      {batch.started_at && (
        <section className="section" aria-label="Charts">
          <Suspense fallback={<Loading rows={1} height={180} />}>
            <Activity batch={batch.id} live={batch.state === 'running'} />
          </Suspense>
        </section>
      )}

      <section className="section" aria-label="Log">
        <Log batch={batch} lines={log.data?.events ?? []} />
      </section>

      {batch.estimate && batch.started_at && (
        <section className="section" aria-label="Estimate">
          <h2>What was estimated</h2>
          <EstimateTable estimate={batch.estimate} />
        </section>
      )}

      <Confirm
        opened={asked === 'pause'}
        close={() => setAsked(null)}
        title="Pause this batch?"
        action="Pause"
        act={() => act('pause')}
      >
        <Text size="sm">
          {batch.calls_in_flight > 0
            ? `${counted(batch.calls_in_flight, 'call')} in flight will be finished and paid; no more are started.`
            : 'No more calls are started.'}{' '}
          Resume it whenever you like: nothing is lost and nothing is paid twice.
        </Text>
      </Confirm>
      <Confirm
        opened={asked === 'cancel'}
        close={() => setAsked(null)}
        title="Cancel this batch?"
        action="Cancel the batch"
        color="red"
        act={() => act('cancel')}
      >
        <Text size="sm">
          {counted(documents.pending, 'document')} will not be processed. Calls in flight are finished and paid, and
          every result so far stays. It can be resumed later.
        </Text>
      </Confirm>
      {asked === 'ledger' && <Ledger batch={batch} runs={mayRun} close={() => setAsked(null)} />}
      {asked === 'budget' && <Budget batch={batch} close={() => setAsked(null)} />}
      {asked === 'concurrency' && <Pace batch={batch} close={() => setAsked(null)} />}
      {asked === 'name' && <Rename batch={batch} close={() => setAsked(null)} />}
      {asked === 'forget' && <Forget batch={batch} close={() => setAsked(null)} />}
    </>
  );
}

const bounds: Record<string, string> = {
  concurrency: 'calls in flight',
  request_limit: 'request limit',
  token_limit: 'token limit',
  reading: 'reading',
  held_back: 'the provider',
  last_calls: 'the last calls',
  starting: 'starting',
};

/** A word to the person who went away, if they allowed it. */
function announce(batch: BatchView) {
  const text = `${batch.name}: ${words(batch.state)}, ${count(batch.documents.completed)} completed, ${money(batch.money.settled_usd)}`;
  if (document.hidden && 'Notification' in window && Notification.permission === 'granted')
    new Notification('docmill', { body: text, tag: batch.id });
  notifications.show({ message: text, color: batch.state === 'completed' ? 'green' : 'orange' });
}

/** The window's icon shows how far the batch is. */
function useProgressIcon(share: number | null) {
  const step = share === null ? null : Math.round(share * 20);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (!link || step === null) return;
    const before = link.href;
    const angle = (step / 20) * 100;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><circle cx="18" cy="18" r="15.9" fill="none" stroke="#ced4da" stroke-width="4"/><circle cx="18" cy="18" r="15.9" fill="none" stroke="#3b5bdb" stroke-width="4" stroke-dasharray="${angle} 100" transform="rotate(-90 18 18)"/></svg>`;
    link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    return () => {
      link.href = before;
    };
  }, [step]);
}

function Reason({ batch, raise }: { batch: BatchDetail; raise: () => void }) {
  if (
    batch.reason === '' ||
    ['running', 'ready', 'draft', 'estimating', 'completed', 'completed_with_failures'].includes(batch.state)
  )
    return null;
  const color = batch.state === 'failed' ? 'red' : batch.state === 'budget_exhausted' ? 'violet' : 'yellow';
  return (
    <Alert color={color} mb="sm" role="status">
      <Group gap="sm">
        <Text size="sm">{batch.reason}</Text>
        {batch.state === 'budget_exhausted' && <TextButton onClick={raise}>Raise the budget</TextButton>}
      </Group>
    </Alert>
  );
}

function Counters({ batch }: { batch: BatchDetail }) {
  const { documents } = batch;
  const parts: [string, number, string][] = [
    ['completed', documents.completed, 'completed'],
    ['failed', documents.failed, 'failed'],
    ['in work', documents.leased, 'leased'],
    ['waiting', documents.pending, 'pending'],
    ['skipped', documents.skipped, 'skipped'],
    ['cancelled', documents.cancelled, 'cancelled'],
  ];
  return (
    <Group gap="lg">
      {parts
        .filter(([name, value]) => value > 0 || !['cancelled'].includes(name))
        .map(([name, value, state]) => (
          <Link
            key={name}
            to="/batches/$batch/documents"
            params={{ batch: batch.id }}
            search={{ state }}
            style={{ color: 'inherit', fontSize: 13 }}
          >
            <b data-counter={name}>{count(value)}</b> <span className="faint">{name}</span>
          </Link>
        ))}
    </Group>
  );
}
