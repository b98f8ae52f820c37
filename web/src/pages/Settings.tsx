// Budgets, keys, workers, models, notifications.
import { Alert, Button, Code, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../api/client';
import { Audit } from '../components/audit';
import { Confirm, Loading, Trouble, When } from '../components/parts';
import { bytes, count } from '../lib/format';
import { useTitle } from '../lib/hooks';
import { useMay } from '../lib/session';

export default function Settings() {
  useTitle('Settings');
  const mayManage = useMay('manage');
  return (
    <>
      <h1>Settings</h1>
      <div className="two">
        <Budgets />
        <Browser />
        {mayManage && <Keys />}
        <Workers />
        <Storage />
      </div>
      {mayManage && <Audit />}
      <Models />
    </>
  );
}

function Budgets() {
  const mayManage = useMay('manage');
  const query = useQuery({ queryKey: ['settings'], queryFn: () => ask(api.GET('/api/v1/settings')) });
  const [day, setDay] = useState<string | number | null>(null);
  const [month, setMonth] = useState<string | number | null>(null);
  const client = useQueryClient();
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  const or = (typed: string | number | null, kept: number | null | undefined) =>
    typed === null ? (kept ?? '') : typed;
  const value = (it: string | number) => (it === '' ? null : Number(it));
  const dayShown = or(day, query.data.day_budget_usd);
  const monthShown = or(month, query.data.month_budget_usd);
  return (
    <section className="section" aria-label="Budgets">
      <h2>Budgets of all batches together</h2>
      <Group align="flex-end">
        <NumberInput
          label="A day"
          prefix="$"
          min={0}
          w={140}
          placeholder="no limit"
          value={dayShown}
          onChange={setDay}
        />
        <NumberInput
          label="A month"
          prefix="$"
          min={0}
          w={140}
          placeholder="no limit"
          value={monthShown}
          onChange={setMonth}
        />
        <Button
          disabled={!mayManage}
          onClick={async () => {
            await ask(
              api.PUT('/api/v1/settings', {
                body: { day_budget_usd: value(dayShown), month_budget_usd: value(monthShown) },
              }),
            );
            await client.invalidateQueries({ queryKey: ['settings'] });
            notifications.show({ message: 'Kept', color: 'green' });
          }}
        >
          Keep
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mt="xs">
        When a day’s or a month’s (UTC) settled cost reaches its limit, running batches are paused with the reason.
        Calls in flight are still finished and paid: the hard wall is the budget of each batch.
      </Text>
    </section>
  );
}

function Browser() {
  const supported = 'Notification' in window;
  const [state, setState] = useState(supported ? Notification.permission : 'denied');
  return (
    <section className="section" aria-label="Notifications">
      <h2>Notifications of this browser</h2>
      <Text size="sm">
        {state === 'granted'
          ? 'You are told when a batch you have open ends while you look elsewhere.'
          : state === 'denied'
            ? 'The browser does not allow them for this page.'
            : 'You can be told when a batch you have open ends while you look elsewhere.'}
      </Text>
      {state === 'default' && (
        <Button mt="xs" variant="default" onClick={async () => setState(await Notification.requestPermission())}>
          Allow them
        </Button>
      )}
      {state === 'granted' && (
        <Button
          mt="xs"
          variant="default"
          onClick={() => new Notification('docmill', { body: 'This is how it will look.' })}
        >
          Try it
        </Button>
      )}
    </section>
  );
}

function Keys() {
  const query = useQuery({ queryKey: ['keys'], queryFn: () => ask(api.GET('/api/v1/keys')) });
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<string | null>('admin');
  const [days, setDays] = useState<string | number>('');
  const [made, setMade] = useState<{ name: string; key: string } | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  return (
    <section className="section" aria-label="Keys">
      <h2>Keys</h2>
      <Text size="sm" c="dimmed">
        {query.data.keys.length === 0
          ? 'There are none: whoever sits at this machine may do everything, and no other machine is let in. With the first key everybody needs one.'
          : 'Only a hash of each is kept.'}
      </Text>
      <table className="list dense">
        <tbody>
          {query.data.keys.map((key) => (
            <tr key={key.name}>
              <td>{key.name}</td>
              <td>
                {key.role}
                {key.actions && <span className="faint"> only {key.actions.join(', ')}</span>}
                {key.batches && (
                  <span className="faint">
                    {' '}
                    of {key.batches.length === 1 ? '1 batch' : `${count(key.batches.length)} batches`}
                  </span>
                )}
              </td>
              <td className="faint">
                {key.used_at ? (
                  <>
                    used <When at={key.used_at} />
                  </>
                ) : (
                  'never used'
                )}
                {key.expires_at && ` · until ${key.expires_at.slice(0, 10)}`}
              </td>
              <td className="num">
                <Button size="compact-xs" variant="subtle" color="red" onClick={() => setRemoving(key.name)}>
                  Remove
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          setError(null);
          try {
            const key = await ask(
              api.POST('/api/v1/keys', {
                body: { name, role: role ?? 'viewer', days: days === '' ? undefined : Number(days) },
              }),
            );
            // Who makes the first key stays signed in.
            if (query.data.keys.length === 0) await ask(api.POST('/api/v1/session', { body: { key: key.key } }));
            setMade(key);
            setName('');
            await client.invalidateQueries();
          } catch (error) {
            setError(error);
          }
        }}
      >
        <Group align="flex-end" mt="xs">
          <TextInput
            label="Name"
            w={160}
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label="Role"
            w={130}
            value={role}
            onChange={setRole}
            allowDeselect={false}
            data={['viewer', 'operator', 'admin']}
          />
          <NumberInput label="Days" w={110} min={1} max={3650} placeholder="no end" value={days} onChange={setDays} />
          <Button type="submit" variant="default">
            Make a key
          </Button>
        </Group>
      </form>
      {error !== null && <Trouble error={error} />}
      {made && (
        <Alert color="green" mt="xs" title={`The key of ${made.name}: shown now, and never again`}>
          <Code className="wrap-any">{made.key}</Code>
        </Alert>
      )}
      <Confirm
        opened={removing !== null}
        close={() => setRemoving(null)}
        title={`Remove the key of ${removing}?`}
        action="Remove"
        color="red"
        act={async () => {
          await ask(api.DELETE('/api/v1/keys/{name}', { params: { path: { name: removing ?? '' } } }));
          await client.invalidateQueries();
        }}
      >
        <Text size="sm">Whoever holds it is signed out at once.</Text>
      </Confirm>
    </section>
  );
}

function Workers() {
  const query = useQuery({
    queryKey: ['workers'],
    queryFn: () => ask(api.GET('/api/v1/workers')),
    refetchInterval: 3_000,
  });
  if (query.isError && !query.data) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  return (
    <section className="section" aria-label="Workers">
      <h2>Workers and providers</h2>
      {query.data.workers.length === 0 && <Text size="sm">Nobody works at the moment: no batch is running.</Text>}
      <Stack gap={4}>
        {query.data.workers.map((worker) => (
          <Text size="sm" key={worker.id}>
            {worker.label}, alive <When at={worker.heartbeat_at} />, since <When at={worker.started_at} />
          </Text>
        ))}
        {query.data.lanes.map((lane) => (
          <Text size="sm" key={lane.name}>
            <b>{lane.name}</b>: {count(lane.in_use)} of {count(lane.places)} calls in flight, {count(lane.requests)}
            {lane.requests_limit != null && ` of ${count(lane.requests_limit)}`} requests and {count(lane.tokens)}
            {lane.tokens_limit != null && ` of ${count(lane.tokens_limit)}`} tokens in the past minute
          </Text>
        ))}
      </Stack>
    </section>
  );
}

const parts: Record<string, string> = {
  database: 'Database: batches, results, reviews',
  readings: 'What was read from documents, kept to read each once',
  uploads: 'Uploaded documents',
  exports: 'Exports to fetch',
  other: 'Other files',
};

function Storage() {
  const query = useQuery({ queryKey: ['machine', 'now'], queryFn: () => ask(api.GET('/api/v1/machine')) });
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  const machine = query.data;
  const now = machine.samples.at(-1);
  return (
    <section className="section" aria-label="Storage and about">
      <h2>Storage and about</h2>
      <table className="list dense">
        <tbody>
          {machine.storage.map((part) => (
            <tr key={part.part}>
              <td>{parts[part.part] ?? part.part}</td>
              <td className="num">{bytes(part.bytes)}</td>
            </tr>
          ))}
          {machine.disk_free_bytes != null && (
            <tr>
              <td>Free on that disk</td>
              <td className="num">{bytes(machine.disk_free_bytes)}</td>
            </tr>
          )}
        </tbody>
      </table>
      <Text size="sm" mt="xs" className="wrap-any">
        In <code>{machine.data_dir}</code>
        {now &&
          `, with ${now.processors.toFixed(1)} of ${machine.processors} processors busy and ${bytes(now.memory_bytes)} of memory in ${count(now.processes)} ${now.processes === 1 ? 'process' : 'processes'}`}
        .
      </Text>
      <Text size="sm" c="dimmed">
        docmill {machine.version}
      </Text>
    </section>
  );
}

function Models() {
  const query = useQuery({ queryKey: ['models'], queryFn: () => ask(api.GET('/api/v1/models')), staleTime: 60_000 });
  const [search, setSearch] = useState('');
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  const shown = query.data.models.filter((model) => model.name.includes(search.toLowerCase()));
  return (
    <section className="section" aria-label="Models">
      <Group justify="space-between">
        <h2>Models and prices</h2>
        <TextInput
          size="xs"
          type="search"
          aria-label="Search models"
          placeholder="Search models"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </Group>
      <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
        <table className="list dense">
          <thead>
            <tr>
              <th>Model</th>
              <th className="num">In, $ per million</th>
              <th className="num">Out, $ per million</th>
              <th>Sees</th>
              <th>Key</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, 100).map((model) => (
              <tr key={model.name}>
                <td>{model.name}</td>
                <td className="num">{model.price.input_usd_per_million}</td>
                <td className="num">{model.price.output_usd_per_million}</td>
                <td>{model.vision ? 'pictures' : ''}</td>
                <td>{model.ready ? 'ready' : <span title={model.missing ?? ''}>not set</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
