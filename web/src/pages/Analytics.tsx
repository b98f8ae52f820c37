// What happened when: over a time, over batches; and two of them side by side.
import { Button, Group, SegmentedControl, Select, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, ask, type Schemas } from '../api/client';
import { Chart, colors } from '../components/chart';
import { Empty, Figure, Loading, Trouble } from '../components/parts';
import { bytes, count, cut, duration, money, percent, words } from '../lib/format';
import { useTitle } from '../lib/hooks';
import { grid } from '../lib/series';

const route = getRouteApi('/analytics');
type Activity = Schemas['ActivityList'];
type Slice = Schemas['Slice'];

const ranges: Record<string, { label: string; ms: number }> = {
  hour: { label: 'Hour', ms: 3_600_000 },
  day: { label: 'Day', ms: 86_400_000 },
  week: { label: 'Week', ms: 7 * 86_400_000 },
  month: { label: 'Month', ms: 30 * 86_400_000 },
  year: { label: 'Year', ms: 366 * 86_400_000 },
};

export default function Analytics() {
  useTitle('Analytics');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const range = search.range && search.range in ranges ? search.range : 'day';
  const batches = useQuery({
    queryKey: ['batches', 'names'],
    queryFn: () => ask(api.GET('/api/v1/batches', { params: { query: { limit: 200 } } })),
    staleTime: 30_000,
  });
  const names = (batches.data?.batches ?? []).map((batch) => ({
    value: batch.id,
    label: `${cut(batch.name, 30)} · ${cut(batch.model, 26)} (${batch.short_id})`,
  }));
  const of = (batch: string | undefined, apart: boolean) => ({
    queryKey: ['analytics', range, batch, apart],
    queryFn: () =>
      ask(
        api.GET('/api/v1/activity', {
          params: { query: { batch, from: new Date(Date.now() - (ranges[range]?.ms ?? 0)).toISOString(), apart } },
        }),
      ),
    refetchInterval: 15_000,
    placeholderData: (before: Activity | undefined) => before,
  });
  const all = useQuery(of(search.batch, false));
  const apart = useQuery(of(search.batch, true));
  const beside = useQuery({ ...of(search.beside, false), enabled: !!search.beside });
  if (all.isError && !all.data) return <Trouble error={all.error} retry={() => all.refetch()} />;
  const data = all.data;
  return (
    <>
      <Group justify="space-between" mb="md">
        <h1>Analytics</h1>
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label="Time"
            value={range}
            onChange={(range) => navigate({ search: (before) => ({ ...before, range }) })}
            data={Object.entries(ranges).map(([value, { label }]) => ({ value, label }))}
          />
          <Select
            size="xs"
            w={250}
            aria-label="Batch"
            placeholder="All batches"
            clearable
            searchable
            value={search.batch ?? null}
            onChange={(batch) => navigate({ search: (before) => ({ ...before, batch: batch ?? undefined }) })}
            data={names}
          />
          <Select
            size="xs"
            w={250}
            aria-label="Beside"
            placeholder="Compare with…"
            clearable
            searchable
            value={search.beside ?? null}
            onChange={(beside) => navigate({ search: (before) => ({ ...before, beside: beside ?? undefined }) })}
            data={names}
          />
        </Group>
      </Group>
      {!data ? (
        <Loading rows={3} height={160} />
      ) : data.points.length === 0 ? (
        <Empty title="Nothing happened in this time">
          <Text>
            Choose a longer one, or start a batch: documents, cost, latency and errors show here as they come.
          </Text>
        </Empty>
      ) : (
        <>
          <Totals total={data.total} />
          {search.beside && beside.data && (
            <Compare
              a={data.total}
              b={beside.data.total}
              names={[label(names, search.batch) ?? 'All batches', label(names, search.beside) ?? '']}
            />
          )}
          <Charts data={data} />
          <MachineCharts ms={Math.min(ranges[range]?.ms ?? 0, 86_400_000)} />
          {apart.data && <Classes data={apart.data} batches={batches.data?.batches ?? []} />}
        </>
      )}
    </>
  );
}

const label = (names: { value: string; label: string }[], id: string | undefined) =>
  names.find((name) => name.value === id)?.label;

const ms = (value: number | null | undefined) =>
  value == null
    ? '–'
    : value < 1000
      ? `${value} ms`
      : value < 10_000
        ? `${(value / 1000).toFixed(1)} s`
        : duration(value / 1000);
const tokens = (slice: Slice) =>
  slice.usage.input_tokens +
  slice.usage.cached_input_tokens +
  slice.usage.cache_write_tokens +
  slice.usage.output_tokens;

function Totals({ total }: { total: Slice }) {
  const ended = total.completed + total.failed;
  return (
    <div className="figures">
      <Figure
        label="Completed"
        value={count(total.completed)}
        note={ended > 0 ? `${percent(total.completed / ended, 1)} of those ended` : ' '}
      />
      <Figure
        label="Cost"
        value={money(total.cost_usd)}
        note={total.completed > 0 ? `${money(total.cost_usd / total.completed)} a document` : ' '}
      />
      <Figure
        label="Calls"
        value={count(total.calls)}
        note={
          total.calls > 0
            ? `${percent(total.refused / total.calls, 2)} refused, ${percent(total.errors / total.calls, 2)} other errors`
            : ' '
        }
      />
      <Figure label="Answers used again" value={count(total.reused)} note="not paid twice" />
      <Figure label="Tried again" value={count(total.retried)} note="documents" />
      <Figure
        label="Latency"
        value={ms(total.latency_p50_ms)}
        note={`95 % in ${ms(total.latency_p95_ms)}, 99 % in ${ms(total.latency_p99_ms)}`}
      />
      <Figure
        label="Tokens"
        value={count(tokens(total))}
        note={`${count(total.usage.cached_input_tokens)} from the provider’s cache`}
      />
    </div>
  );
}

function Compare({ a, b, names }: { a: Slice; b: Slice; names: [string, string] }) {
  const each = (slice: Slice) => (slice.completed > 0 ? slice.cost_usd / slice.completed : 0);
  const share = (part: number, whole: number) => (whole > 0 ? percent(part / whole, 1) : '–');
  const rows: [string, (slice: Slice) => string][] = [
    ['Completed', (slice) => count(slice.completed)],
    ['Failed', (slice) => share(slice.failed, slice.completed + slice.failed)],
    ['Cost', (slice) => money(slice.cost_usd)],
    ['Cost a document', (slice) => money(each(slice))],
    ['Calls a document', (slice) => (slice.completed > 0 ? (slice.calls / slice.completed).toFixed(2) : '–')],
    ['Tokens a document', (slice) => (slice.completed > 0 ? count(tokens(slice) / slice.completed) : '–')],
    ['Latency, half', (slice) => ms(slice.latency_p50_ms)],
    ['Latency, 95 %', (slice) => ms(slice.latency_p95_ms)],
    ['Refused calls', (slice) => share(slice.refused, slice.calls)],
  ];
  return (
    <section className="section" aria-label="Comparison">
      <h2>Side by side</h2>
      <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
        <table className="list dense">
          <thead>
            <tr>
              <th aria-label="What" />
              <th className="num">{names[0]}</th>
              <th className="num">{names[1]}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, show]) => (
              <tr key={name}>
                <td>{name}</td>
                <td className="num">{show(a)}</td>
                <td className="num">{show(b)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Charts({ data }: { data: Activity }) {
  const { times, minutes, at, span } = grid(data);
  const number = (value: number) => (value >= 10 ? count(Math.round(value)) : value.toFixed(1));
  const of = (pick: (point: Activity['points'][number]) => number) =>
    at.map((point, index) => (point ? pick(point) / minutes[index]! : 0));
  return (
    <section className="section" aria-label="Charts">
      <Group justify="flex-end">
        <Button size="compact-xs" variant="default" onClick={() => save(data)}>
          CSV
        </Button>
      </Group>
      <div className="two">
        <Chart
          title="Documents a minute"
          times={times}
          span={span}
          format={number}
          lines={[
            { name: 'completed', color: colors.green, values: of((it) => it.completed), fill: true },
            { name: 'failed', color: colors.red, values: of((it) => it.failed) },
          ]}
        />
        <Chart
          title="Cost an hour"
          times={times}
          span={span}
          format={money}
          lines={[{ name: 'settled', color: colors.violet, values: of((it) => it.cost_usd * 60), fill: true }]}
        />
        <Chart
          title="How long calls take"
          times={times}
          span={span}
          format={(value) => ms(Math.round(value))}
          lines={[
            { name: 'half', color: colors.blue, values: at.map((it) => it?.latency_p50_ms ?? null) },
            { name: '95 %', color: colors.orange, values: at.map((it) => it?.latency_p95_ms ?? null) },
          ]}
        />
        <Chart
          title="Calls a minute without an answer"
          times={times}
          span={span}
          format={number}
          lines={[
            { name: 'refused', color: colors.orange, values: of((it) => it.refused) },
            { name: 'other errors', color: colors.red, values: of((it) => it.errors) },
          ]}
        />
        <Chart
          title="Tokens a minute"
          times={times}
          span={span}
          format={(value) => count(Math.round(value))}
          lines={[{ name: 'tokens', color: colors.blue, values: of((it) => tokens(it)), fill: true }]}
        />
        <Chart
          title="Answers used again, a minute"
          times={times}
          span={span}
          format={number}
          lines={[{ name: 'used again', color: colors.green, values: of((it) => it.reused) }]}
        />
      </div>
    </section>
  );
}

/** What the server and its readers take of the machine; kept for a day. */
function MachineCharts({ ms }: { ms: number }) {
  const query = useQuery({
    queryKey: ['machine', ms],
    queryFn: () =>
      ask(api.GET('/api/v1/machine', { params: { query: { from: new Date(Date.now() - ms).toISOString() } } })),
    refetchInterval: 15_000,
    placeholderData: (before) => before,
  });
  const samples = query.data?.samples ?? [];
  const first = samples[0];
  const last = samples.at(-1);
  if (!query.data || !first || !last) return null;
  const times = samples.map((sample) => Date.parse(sample.at) / 1000);
  const begin = Date.parse(first.at) / 1000;
  const span: [number, number] = [begin, Math.max(Date.parse(last.at) / 1000, begin + 60)];
  return (
    <section className="section" aria-label="Machine">
      <h2>The server and its readers</h2>
      <div className="two">
        <Chart
          title={`Processors busy, of ${query.data.processors}`}
          times={times}
          span={span}
          format={(value) => value.toFixed(1)}
          lines={[
            { name: 'busy', color: colors.orange, values: samples.map((sample) => sample.processors), fill: true },
          ]}
        />
        <Chart
          title={`Memory, of ${bytes(query.data.memory_bytes)}`}
          times={times}
          span={span}
          format={bytes}
          lines={[{ name: 'used', color: colors.blue, values: samples.map((it) => it.memory_bytes), fill: true }]}
        />
      </div>
    </section>
  );
}

/** Sums per class, model and template: who costs what. */
function Classes({ data, batches }: { data: Activity; batches: Schemas['BatchView'][] }) {
  const groups = useMemo(() => {
    const known = new Map(batches.map((batch) => [batch.id, batch]));
    const sum = (name: (point: Activity['points'][number]) => string) => {
      const sums = new Map<string, { completed: number; failed: number; cost: number }>();
      for (const point of data.points) {
        const key = name(point);
        const entry = sums.get(key) ?? { completed: 0, failed: 0, cost: 0 };
        entry.completed += point.completed;
        entry.failed += point.failed;
        entry.cost += point.cost_usd;
        sums.set(key, entry);
      }
      return [...sums].sort((a, b) => b[1].cost - a[1].cost || b[1].completed - a[1].completed);
    };
    return [
      ['Class', sum((point) => words(point.class ?? ''))],
      ['Model', sum((point) => known.get(point.batch ?? '')?.model ?? 'older batches')],
      ['Template', sum((point) => known.get(point.batch ?? '')?.template ?? 'older batches')],
      ['Day', sum((point) => new Date(point.at).toLocaleDateString())],
    ] as const;
  }, [data, batches]);
  return (
    <div className="two">
      {groups.map(([name, rows]) => (
        <section className="section" key={name} aria-label={`By ${name.toLowerCase()}`}>
          <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
            <table className="list dense">
              <thead>
                <tr>
                  <th>{name}</th>
                  <th className="num">Completed</th>
                  <th className="num">Failed</th>
                  <th className="num">Cost</th>
                  <th className="num">Each</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(([key, sums]) => (
                  <tr key={key}>
                    <td>{key}</td>
                    <td className="num">{count(sums.completed)}</td>
                    <td className="num">{count(sums.failed)}</td>
                    <td className="num">{money(sums.cost)}</td>
                    <td className="num">{sums.completed > 0 ? money(sums.cost / sums.completed) : '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </div>
  );
}

/** The charts’ numbers as a file. */
function save(data: Activity) {
  const head = [
    'at',
    'completed',
    'failed',
    'calls',
    'refused',
    'errors',
    'retried',
    'reused',
    'cost_usd',
    'input_tokens',
    'cached_input_tokens',
    'output_tokens',
    'latency_p50_ms',
    'latency_p95_ms',
    'latency_p99_ms',
  ];
  const lines = data.points.map((it) =>
    [
      it.at,
      it.completed,
      it.failed,
      it.calls,
      it.refused,
      it.errors,
      it.retried,
      it.reused,
      it.cost_usd,
      it.usage.input_tokens,
      it.usage.cached_input_tokens,
      it.usage.output_tokens,
      it.latency_p50_ms ?? '',
      it.latency_p95_ms ?? '',
      it.latency_p99_ms ?? '',
    ].join(','),
  );
  const blob = new Blob([[head.join(','), ...lines].join('\n')], { type: 'text/csv' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = 'docmill-activity.csv';
  link.click();
  URL.revokeObjectURL(link.href);
}
