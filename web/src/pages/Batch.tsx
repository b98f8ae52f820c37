// One batch: where it stands, what it costs, when it will be done, what failed, and everything that steers it.
import {
  ActionIcon,
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  Menu,
  Modal,
  NumberInput,
  Progress,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { api, ask, type BatchDetail, type Batch as BatchView, type Job, type LogLine, url } from '../api/client';
import { useStream } from '../api/live';
import { Connected } from '../components/connected';
import { EstimateTable } from '../components/estimate';
import { ExportButton } from '../components/export';
import { GivePassword, helpFor, SkipFailed } from '../components/failed';
import * as Icons from '../components/icons';
import { Jobs } from '../components/jobs';
import { BudgetBar, Confirm, CountersBar, Figure, Loading, TextButton, Trouble, When } from '../components/parts';
import { State } from '../components/state';
import { clock, count, counted, duration, money, percent, rate, words } from '../lib/format';
import { useTitle } from '../lib/hooks';

const Activity = lazy(() => import('../components/activity'));
const route = getRouteApi('/batches/$batch');
const ended = ['completed', 'completed_with_failures', 'budget_exhausted', 'cancelled', 'failed'];

type Asked = 'pause' | 'cancel' | 'budget' | 'concurrency' | 'name' | null;

export default function Batch() {
  const { batch: id } = route.useParams();
  const client = useQueryClient();
  const [asked, setAsked] = useState<Asked>(null);
  const key = ['batch', id];
  const path = { path: { batch: id } };
  const query = useQuery({ queryKey: key, queryFn: () => ask(api.GET('/api/v1/batches/{batch}', { params: path })) });
  const log = useQuery({
    queryKey: ['log', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/log', { params: { ...path, query: { limit: 300 } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const batch = query.data;

  const failed = batch?.documents.failed ?? 0;
  const failures = useQuery({
    queryKey: ['failures', id, failed],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/failures', { params: path })),
    enabled: failed > 0,
    placeholderData: (before) => before,
  });
  const jobs = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/jobs', { params: path })),
  });

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
        client.setQueryData<{ events: LogLine[] }>(['log', id], (old) => {
          const known = old?.events ?? [];
          const last = known.at(-1)?.id ?? 0;
          const added = lines.filter((line) => line.id > last);
          return added.length === 0 ? old : { events: [...known, ...added].slice(-1000) };
        }),
      gap: () => {},
    },
    () => client.refetchQueries({ queryKey: key }, { throwOnError: true }),
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
            {batch.template} · {batch.model}
            {batch.base_url ? ` at ${batch.base_url}` : ''} · {batch.short_id} · made <When at={batch.created_at} />
            {batch.owner ? ` by ${batch.owner}` : ''}
          </Text>
        </div>
        <Group gap="xs">
          {['draft', 'ready', 'estimating'].includes(batch.state) && !preparing && (
            <Button leftSection={<Icons.IconPlay />} onClick={() => tell('start')}>
              Start
            </Button>
          )}
          {batch.state === 'running' && (
            <Button variant="default" leftSection={<Icons.IconPause />} onClick={() => setAsked('pause')}>
              Pause
            </Button>
          )}
          {['paused', 'cancelled', 'failed'].includes(batch.state) && documents.pending + documents.cancelled > 0 && (
            <Button leftSection={<Icons.IconPlay />} onClick={() => tell('resume')}>
              Resume
            </Button>
          )}
          {batch.state === 'budget_exhausted' && (
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
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="default" size={36} aria-label="More actions">
                <Icons.IconMore />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setAsked('budget')}>Change the budget</Menu.Item>
              <Menu.Item onClick={() => setAsked('concurrency')}>Change concurrency and priority</Menu.Item>
              <Menu.Item onClick={() => setAsked('name')}>Rename</Menu.Item>
              <Menu.Divider />
              <Menu.Item
                color="red"
                disabled={['completed', 'completed_with_failures', 'cancelled'].includes(batch.state)}
                onClick={() => setAsked('cancel')}
              >
                Cancel the batch
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>

      <Reason batch={batch} raise={() => setAsked('budget')} />
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
            [
              batch.money.reserved_usd > 0 && `${money(batch.money.reserved_usd)} held back`,
              batch.money.unconfirmed_usd > 0 && `${money(batch.money.unconfirmed_usd)} unconfirmed`,
              live?.projected_usd != null && `about ${money(live.projected_usd)} in the end`,
            ]
              .filter(Boolean)
              .join(' · ') || ' '
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
      {asked === 'budget' && <Budget batch={batch} close={() => setAsked(null)} />}
      {asked === 'concurrency' && <Pace batch={batch} close={() => setAsked(null)} />}
      {asked === 'name' && <Rename batch={batch} close={() => setAsked(null)} />}
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

type Failure = { code: string; documents: number; example: string; example_document: number; hint: string };

function Failures({ batch, failures }: { batch: BatchDetail; failures: Failure[] }) {
  const [retrying, setRetrying] = useState<Failure | 'all' | null>(null);
  const [skipping, setSkipping] = useState<Failure | null>(null);
  const [password, setPassword] = useState(false);
  const client = useQueryClient();
  const called = batch.documents.completed + batch.documents.failed;
  const each = called > 0 ? batch.money.settled_usd / called : (batch.estimate?.total.cost_per_document_usd ?? 0);
  const price = (documents: number) => (each > 0 ? `about ${money(each * documents)}` : 'free');
  const retry = async (what: Failure | 'all') => {
    const answer = await ask(
      api.POST('/api/v1/batches/{batch}/retry', {
        params: { path: { batch: batch.id } },
        body: { error_codes: what === 'all' ? [] : [what.code], documents: [], cancelled: false },
      }),
    );
    client.setQueryData<BatchDetail>(['batch', batch.id], (old) => (old ? { ...old, ...answer.batch } : old));
    notifications.show({ message: `${counted(answer.documents, 'document')} put back into the queue` });
  };
  const asked = retrying === 'all' ? batch.documents.failed : (retrying?.documents ?? 0);
  return (
    <>
      <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
        <table className="list stack">
          <tbody>
            {failures.map((failure) => (
              <tr key={failure.code}>
                <td className="num" style={{ width: 60 }}>
                  <b>{count(failure.documents)}</b>
                </td>
                <td>
                  <div style={{ fontWeight: 600 }}>{words(failure.code)}</div>
                  <div className="faint wrap-any" style={{ fontSize: 12 }}>
                    {failure.example}.{' '}
                    <Link
                      to="/batches/$batch/documents/$document"
                      params={{ batch: batch.id, document: String(failure.example_document) }}
                      search={{ error_code: failure.code }}
                    >
                      For example no. {failure.example_document}
                    </Link>
                  </div>
                  <div style={{ fontSize: 12 }}>{helpFor(failure.code, failure.hint)}</div>
                </td>
                <td>
                  <Group gap={6} justify="flex-end">
                    {failure.code === 'password_required' && (
                      <Button size="xs" variant="default" onClick={() => setPassword(true)}>
                        Give a password
                      </Button>
                    )}
                    <Button size="xs" variant="default" onClick={() => setRetrying(failure)}>
                      Retry ({price(failure.documents)})
                    </Button>
                    <Button size="xs" variant="default" onClick={() => setSkipping(failure)}>
                      Skip
                    </Button>
                    <Button
                      size="xs"
                      variant="subtle"
                      component={Link}
                      to={`/batches/${batch.id}/documents?state=failed&error_code=${failure.code}`}
                    >
                      Look
                    </Button>
                  </Group>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {failures.length > 1 && (
        <Button size="xs" mt="xs" variant="default" onClick={() => setRetrying('all')}>
          Retry all {count(batch.documents.failed)} ({price(batch.documents.failed)})
        </Button>
      )}
      <Confirm
        opened={retrying !== null}
        close={() => setRetrying(null)}
        title={`Retry ${counted(asked, 'document')}?`}
        action="Retry"
        act={() => retry(retrying ?? 'all')}
      >
        <Text size="sm">
          They go back into the queue and the batch goes on. It will probably cost{' '}
          {each > 0 ? money(each * asked) : 'nothing'}; answers paid for before are used again, and the budget still
          holds.
        </Text>
      </Confirm>
      {password && <GivePassword batch={batch.id} close={() => setPassword(false)} />}
      {skipping && (
        <SkipFailed
          batch={batch.id}
          code={skipping.code}
          documents={skipping.documents}
          close={() => setSkipping(null)}
        />
      )}
    </>
  );
}

function Budget({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const spent = batch.money.settled_usd + batch.money.reserved_usd + batch.money.unconfirmed_usd;
  const called = batch.documents.completed + batch.documents.failed;
  const each = called > 0 ? batch.money.settled_usd / called : (batch.estimate?.total.cost_per_document_usd ?? 0);
  const rest = (batch.documents.pending + batch.documents.leased) * each;
  const wanted = called > 0 && rest > 0 ? spent + rest * 1.2 : (batch.estimate?.recommended_budget_usd ?? 0);
  const recommended = wanted > 0 ? Math.max(0.01, Math.ceil(wanted * 100) / 100) : null;
  const [budget, setBudget] = useState<number | string>(recommended ?? batch.money.budget_usd ?? '');
  const [none, setNone] = useState(false);
  const client = useQueryClient();
  const value = none ? null : Number(budget);
  return (
    <Confirm
      opened
      close={close}
      title="Budget"
      action={batch.state === 'budget_exhausted' ? 'Raise it and go on' : 'Set the budget'}
      act={async () => {
        const view = await ask(
          api.PUT('/api/v1/batches/{batch}/budget', {
            params: { path: { batch: batch.id } },
            body: { budget_usd: value },
          }),
        );
        client.setQueryData<BatchDetail>(['batch', batch.id], (old) => (old ? { ...old, ...view } : old));
      }}
    >
      <NumberInput
        label="Dollars"
        prefix="$"
        min={0}
        decimalScale={4}
        value={budget}
        onChange={setBudget}
        disabled={none}
        data-autofocus
        description={recommended !== null ? `${money(recommended)} should do for what is left` : undefined}
      />
      <Checkbox label="No limit" checked={none} onChange={(event) => setNone(event.currentTarget.checked)} />
      <Text size="sm" c="dimmed">
        {money(spent)} is spent or held back. The budget is a wall: no call is made whose worst case would not fit
        behind it.
        {value !== null && value < spent && ' Below what is spent already, no further call is made.'}
        {batch.state === 'budget_exhausted' && ' With more than before, the batch goes on at once.'}
      </Text>
    </Confirm>
  );
}

function Pace({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const [concurrency, setConcurrency] = useState<number | string>(batch.concurrency ?? batch.live?.lane_places ?? 8);
  const [weight, setWeight] = useState<number | string>(batch.weight);
  const client = useQueryClient();
  return (
    <Confirm
      opened
      close={close}
      title="Concurrency and priority"
      action="Change"
      act={async () => {
        const view = await ask(
          api.PATCH('/api/v1/batches/{batch}', {
            params: { path: { batch: batch.id } },
            body: { concurrency: Number(concurrency), weight: Number(weight) },
          }),
        );
        client.setQueryData<BatchDetail>(['batch', batch.id], view);
      }}
    >
      <NumberInput
        label="Calls in flight at most"
        min={1}
        max={10_000}
        value={concurrency}
        onChange={setConcurrency}
        data-autofocus
      />
      <NumberInput
        label="Priority"
        description="Its share of a limit that other running batches want too: 2 gets twice as much as 1."
        min={1}
        max={100}
        value={weight}
        onChange={setWeight}
      />
      <Text size="sm" c="dimmed">
        Felt within a second. What is in flight stays in flight; a provider’s rate limit is kept whatever stands here.
      </Text>
    </Confirm>
  );
}

function Rename({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const [name, setName] = useState(batch.name);
  const client = useQueryClient();
  return (
    <Modal opened onClose={close} title="Rename" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const view = await ask(
            api.PATCH('/api/v1/batches/{batch}', { params: { path: { batch: batch.id } }, body: { name } }),
          );
          client.setQueryData<BatchDetail>(['batch', batch.id], view);
          close();
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            value={name}
            maxLength={200}
            required
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button type="submit">Rename</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** The log: follows until somebody scrolls up, then offers the way back. */
function Log({ batch, lines }: { batch: BatchDetail; lines: LogLine[] }) {
  const [level, setLevel] = useState('all');
  const [search, setSearch] = useState('');
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const wanted = search.toLowerCase();
    return lines
      .filter(
        (line) =>
          (level === 'all' || line.level === level || (level === 'warning' && line.level === 'error')) &&
          (wanted === '' || line.text.toLowerCase().includes(wanted)),
      )
      .slice(-300);
  }, [lines, level, search]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls whenever other lines are shown
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, following]);
  return (
    <>
      <Group justify="space-between" mb={6}>
        <h2 style={{ margin: 0 }}>Log</h2>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label="Which lines"
            value={level}
            onChange={setLevel}
            data={[
              { value: 'all', label: 'All' },
              { value: 'warning', label: 'Warnings' },
              { value: 'error', label: 'Errors' },
            ]}
          />
          <TextInput
            size="xs"
            w={140}
            aria-label="Search the log"
            placeholder="Search the log"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Tooltip label="The last 1,000 lines as JSON">
            <ActionIcon
              component="a"
              href={url(`/batches/${batch.id}/log?limit=1000`)}
              download={`${batch.name}-log.json`}
              variant="default"
              aria-label="Download the log"
            >
              <Icons.IconDown />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <div
        className="log mono"
        ref={box}
        role="log"
        aria-label="Log"
        aria-live="off"
        tabIndex={0}
        onScroll={(event) => {
          const it = event.currentTarget;
          setFollowing(it.scrollHeight - it.scrollTop - it.clientHeight < 24);
        }}
      >
        {shown.length === 0 && <div className="log-line faint">Nothing of this kind happened yet.</div>}
        {shown.map((line) => (
          <div className="log-line" key={line.id} data-level={line.level}>
            <span className="faint">{clock(line.time)}</span>
            <span title={line.level} aria-hidden="true">
              {line.level === 'error' ? '✕' : line.level === 'warning' ? '!' : '·'}
            </span>
            <span>
              {line.document != null && (
                <>
                  <Link
                    to="/batches/$batch/documents/$document"
                    params={{ batch: batch.id, document: String(line.document) }}
                  >
                    no. {line.document}
                  </Link>{' '}
                </>
              )}
              {line.text}
            </span>
          </div>
        ))}
      </div>
      <div style={{ minHeight: 24 }}>
        {!following && <TextButton onClick={() => setFollowing(true)}>Jump to the newest line</TextButton>}
      </div>
    </>
  );
}
