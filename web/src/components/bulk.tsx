// What is done to many documents at once: the count and the price come first.
import { Button, Group, SegmentedControl, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type BatchDetail, type Schemas } from '../api/client';
import { count, money } from '../lib/format';
import { useMay } from '../lib/session';
import * as Icons from './icons';
import { Confirm, Trouble } from './parts';

type Action = 'retry' | 'skip' | 'assign' | 'approve' | 'export';
const actions: Record<Action, { name: string; says: string }> = {
  retry: { name: 'Retry', says: 'Failed and cancelled ones go back into the queue, and the batch goes on.' },
  skip: { name: 'Skip', says: 'Waiting, failed and cancelled ones will not be processed.' },
  assign: { name: 'Assign to review', says: 'Those with a result are put into the review queue.' },
  approve: { name: 'Approve', says: 'Those with a result that nobody reviewed are approved as they are.' },
  export: { name: 'Export', says: 'Their results are written into a file to download.' },
};

/** What is done to many at once: the count and the price come first. */
export function Bulk({
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
  const mayReview = useMay('review');
  const mayRun = useMay('run');
  const allowed = (action: Action) => (action === 'assign' || action === 'approve' ? mayReview : mayRun);
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
      {(Object.keys(actions) as Action[]).filter(allowed).map((action) => (
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
