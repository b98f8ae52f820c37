// What is being done in the background for this batch, and files that are ready.
import { Button, Group, Progress, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, ask, type Job, url } from '../api/client';
import { count } from '../lib/format';
import { When } from './parts';
import { State } from './state';

const names: Record<string, string> = {
  prepare: 'Getting ready',
  retry: 'Retrying',
  skip: 'Skipping',
  assign: 'Assigning for review',
  approve: 'Approving',
  export: 'Export',
};

/** Over for more than a day: history, not news. */
const OLD_MS = 24 * 3600 * 1000;

export function Jobs({ batch, jobs }: { batch: string; jobs: Job[] }) {
  const client = useQueryClient();
  const shown = jobs
    .filter((job) => job.kind !== 'prepare' || job.state === 'failed')
    .filter((job) => job.state === 'running' || Date.now() - Date.parse(job.updated_at) < OLD_MS)
    .slice(0, 8);
  if (shown.length === 0) return null;
  const cancel = async (job: Job) => {
    await ask(api.POST('/api/v1/jobs/{job}/cancel', { params: { path: { job: job.id } } }));
    await client.invalidateQueries({ queryKey: ['jobs', batch] });
  };
  return (
    <section className="section" aria-label="In the background">
      <h2>In the background</h2>
      {shown.map((job) => (
        <Group key={job.id} gap="sm" mb={6} data-job={job.kind}>
          <State of={job.state} />
          <Text size="sm">{names[job.kind] ?? job.kind}</Text>
          {job.state === 'running' && job.total > 0 && (
            <Progress
              w={140}
              value={(job.done / job.total) * 100}
              aria-label={`${count(job.done)} of ${count(job.total)}`}
            />
          )}
          <Text size="sm" c="dimmed">
            {job.total > 0 && `${count(job.done)} of ${count(job.total)}`}
            {job.kind !== 'export' && job.changed > 0 && `, ${count(job.changed)} changed`} {job.message} ·{' '}
            <When at={job.updated_at} />
          </Text>
          {job.files.map((file) => (
            <Button
              key={file}
              size="compact-xs"
              variant="default"
              component="a"
              href={url(`/jobs/${job.id}/files/${encodeURIComponent(file)}`)}
              download={file}
            >
              {file}
            </Button>
          ))}
          {job.state === 'running' && (
            <Button size="compact-xs" variant="subtle" color="red" onClick={() => void cancel(job)}>
              Stop
            </Button>
          )}
        </Group>
      ))}
    </section>
  );
}
