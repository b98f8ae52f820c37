// Documents, cost and latency of a batch over time.
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';
import { duration, money } from '../lib/format';
import { grid } from '../lib/series';
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
  const { times, minutes, at, span } = grid(query.data);
  let spent = 0;
  return (
    <div className="two">
      <Chart
        title="Documents a minute"
        times={times}
        span={span}
        format={(value) => (value >= 10 ? String(Math.round(value)) : value.toFixed(1))}
        lines={[
          {
            name: 'completed',
            color: colors.green,
            values: at.map((point, index) => (point?.completed ?? 0) / minutes[index]!),
            fill: true,
          },
          {
            name: 'failed',
            color: colors.red,
            values: at.map((point, index) => (point?.failed ?? 0) / minutes[index]!),
          },
        ]}
      />
      <Chart
        title="Cost so far"
        times={times}
        span={span}
        format={money}
        lines={[
          {
            name: 'settled',
            color: colors.violet,
            values: at.map((point) => {
              spent += point?.cost_usd ?? 0;
              return spent;
            }),
            fill: true,
          },
        ]}
      />
      <Chart
        title="How long calls take"
        times={times}
        span={span}
        format={(value) =>
          value < 1 ? `${Math.round(value * 1000)} ms` : value < 10 ? `${value.toFixed(1)} s` : duration(value)
        }
        lines={[
          {
            name: 'half',
            color: colors.blue,
            values: at.map((point) => (point?.latency_p50_ms == null ? null : point.latency_p50_ms / 1000)),
          },
          {
            name: '95 %',
            color: colors.orange,
            values: at.map((point) => (point?.latency_p95_ms == null ? null : point.latency_p95_ms / 1000)),
          },
        ]}
      />
      <Chart
        title="Calls a minute without an answer"
        times={times}
        span={span}
        format={(value) => (value >= 10 ? String(Math.round(value)) : value.toFixed(1))}
        lines={[
          {
            name: 'refused',
            color: colors.orange,
            values: at.map((point, index) => (point?.refused ?? 0) / minutes[index]!),
          },
          {
            name: 'other errors',
            color: colors.red,
            values: at.map((point, index) => (point?.errors ?? 0) / minutes[index]!),
          },
        ]}
      />
    </div>
  );
}
