// The audit log: who changed what and who read which document.
import { Alert, Anchor, Button, Group, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Schemas, url } from '../api/client';
import { count } from '../lib/format';
import { Loading, Trouble, When } from './parts';

const PAGE = 50;

type Entry = Schemas['AuditEntry'];

/** `put_batches_batch_budget` as people read it. */
const says = (action: string) => action.replaceAll('_', ' ');

/** What differs between before and after, field by field. */
function changes(entry: Entry): string {
  const before = (entry.before ?? {}) as Record<string, unknown>;
  const after = (entry.after ?? {}) as Record<string, unknown>;
  const show = (value: unknown) => (value === undefined || value === null ? 'none' : String(JSON.stringify(value)));
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) =>
      entry.before ? `${name}: ${show(before[name])} → ${show(after[name])}` : `${name}: ${show(after[name])}`,
    )
    .join(', ');
}

export function Audit() {
  const [who, setWho] = useState('');
  const [target, setTarget] = useState('');
  const log = useInfiniteQuery({
    queryKey: ['audit', who, target],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET('/api/v1/audit', {
          params: { query: { before: pageParam, who: who || undefined, target: target || undefined, limit: PAGE } },
          signal,
        }),
      ),
    getNextPageParam: (last) => (last.entries.length === PAGE ? last.entries.at(-1)?.id : undefined),
    placeholderData: (before) => before,
  });
  const check = useMutation({ mutationFn: () => ask(api.GET('/api/v1/audit/verify')) });
  const entries = log.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <section className="section" aria-label="Audit log">
      <Group justify="space-between" align="flex-end">
        <h2>Audit log</h2>
        <Group gap="xs" align="flex-end">
          <TextInput size="xs" type="search" label="By" value={who} onChange={(e) => setWho(e.currentTarget.value)} />
          <TextInput
            size="xs"
            type="search"
            label="About"
            placeholder="id or name"
            value={target}
            onChange={(e) => setTarget(e.currentTarget.value)}
          />
          <Button size="xs" variant="default" loading={check.isPending} onClick={() => check.mutate()}>
            Check
          </Button>
          <Anchor size="sm" href={url('/audit/export')}>
            Save all
          </Anchor>
        </Group>
      </Group>
      {check.data && (
        <Alert color={check.data.is_whole ? 'green' : 'red'} mt="xs" role="status">
          {check.data.is_whole
            ? `All ${count(check.data.entries)} entries are what was written.`
            : `It was changed: ${check.data.broken}.`}{' '}
          <span className="wrap-any">The last right one has the hash {check.data.hash}.</span>
        </Alert>
      )}
      {log.isError ? (
        <Trouble error={log.error} retry={() => log.refetch()} />
      ) : !log.data ? (
        <Loading rows={4} />
      ) : entries.length === 0 ? (
        <Text size="sm">Nothing yet.</Text>
      ) : (
        <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
          <table className="list dense">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>About</th>
                <th>Change</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td>
                    <When at={entry.time} />
                  </td>
                  <td title={`${entry.via} at ${entry.origin}`}>{entry.who}</td>
                  <td>
                    {says(entry.action)}
                    {entry.outcome !== 'done' && <b> {entry.outcome}</b>}
                  </td>
                  <td className="wrap-any" style={{ fontSize: 12 }}>
                    {entry.target}
                  </td>
                  <td className="wrap-any" style={{ fontSize: 12 }}>
                    {changes(entry)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {log.hasNextPage && (
        <Button
          size="xs"
          variant="default"
          mt="xs"
          loading={log.isFetchingNextPage}
          onClick={() => log.fetchNextPage()}
        >
          Older
        </Button>
      )}
    </section>
  );
}
