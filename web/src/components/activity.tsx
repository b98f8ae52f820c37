// Documents, cost and latency of a batch over time.
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';
import { duration, money } from '../lib/format';
import { Chart, colors } from './chart';
import { Loading, Trouble } from './parts';

export default function Activity({ batch, live }: { batch: string; live: boolean }) {
  const query = useQuery({
    queryKey: ['activity', batch],
    queryFn: () => ask(api.GET('/api/v1/activity', { params: { query: { batch } } })),
    refetchInterval: live ? 5_000 : false,
    placeholderData: (before) => before,
  });
  if (query.isError && !query.data) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading rows={1} height={180} />;
  const { points, step_ms: step } = query.data;
  const perMinute = 60_000 / step;
  const times = points.map((point) => Date.parse(point.at) / 1000);
  let spent = 0;
  return (
    <div className="two">
      <Chart
        title="Documents a minute"
        times={times}
        format={(value) => (value >= 10 ? String(Math.round(value)) : value.toFixed(1))}
        lines={[
          {
            name: 'completed',
            color: colors.green,
            values: points.map((point) => point.completed * perMinute),
            fill: true,
          },
          { name: 'failed', color: colors.red, values: points.map((point) => point.failed * perMinute) },
        ]}
      />
      <Chart
        title="Cost so far"
        times={times}
        format={money}
        lines={[
          {
            name: 'settled',
            color: colors.violet,
            values: points.map((point) => {
              spent += point.cost_usd;
              return spent;
            }),
            fill: true,
          },
        ]}
      />
      <Chart
        title="How long calls take"
        times={times}
        format={(value) => (value < 1 ? `${Math.round(value * 1000)} ms` : duration(value))}
        lines={[
          {
            name: 'half',
            color: colors.blue,
            values: points.map((point) => (point.latency_p50_ms == null ? null : point.latency_p50_ms / 1000)),
          },
          {
            name: '95 %',
            color: colors.orange,
            values: points.map((point) => (point.latency_p95_ms == null ? null : point.latency_p95_ms / 1000)),
          },
        ]}
      />
      <Chart
        title="Calls a minute without an answer"
        times={times}
        format={(value) => (value >= 10 ? String(Math.round(value)) : value.toFixed(1))}
        lines={[
          { name: 'refused', color: colors.orange, values: points.map((point) => point.refused * perMinute) },
          { name: 'other errors', color: colors.red, values: points.map((point) => point.errors * perMinute) },
        ]}
      />
    </div>
  );
}
