// What can be done about documents that failed: a password, another try, or leaving them out.
import { Button, Group, PasswordInput, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../api/client';
import { counted } from '../lib/format';
import { useMay } from '../lib/session';
import { Confirm } from './parts';

/** What to do next, in words that fit a page: the server's own name the command line's options. */
export const helpFor = (code: string, hint: string): string =>
  code === 'password_required' ? 'Give the password: it is tried on all encrypted documents at once.' : hint;

export function GivePassword({ batch, close }: { batch: string; close: () => void }) {
  const [password, setPassword] = useState('');
  const client = useQueryClient();
  return (
    <Confirm
      opened
      close={close}
      title="Give a password"
      action="Try it"
      act={async () => {
        const answer = await ask(
          api.POST('/api/v1/batches/{batch}/passwords', {
            params: { path: { batch } },
            body: { passwords: [password], retry: true },
          }),
        );
        notifications.show({ message: `${counted(answer.documents, 'document')} tried again` });
        await client.invalidateQueries();
      }}
    >
      <PasswordInput
        label="Password"
        description="Kept in memory until the server stops, never written down."
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        data-autofocus
      />
    </Confirm>
  );
}

/** The ways on for one document. */
export function FailedDocument({ batch, document, code }: { batch: string; document: number; code: string }) {
  const [password, setPassword] = useState(false);
  const client = useQueryClient();
  const mayRun = useMay('run');
  const path = { path: { batch } };
  const retry = async () => {
    const body = { error_codes: [], documents: [document], cancelled: false };
    await ask(api.POST('/api/v1/batches/{batch}/retry', { params: path, body }));
    notifications.show({ message: 'Put back into the queue' });
    await client.invalidateQueries();
  };
  const skip = async () => {
    const body = { action: 'skip', filter: {}, documents: [document], evidence: false };
    await ask(api.POST('/api/v1/batches/{batch}/jobs', { params: path, body }));
    notifications.show({ message: 'It will be left out' });
    await client.invalidateQueries();
  };
  if (!mayRun) return null;
  return (
    <Group gap="xs" mt="xs">
      {code === 'password_required' && (
        <Button size="xs" onClick={() => setPassword(true)}>
          Give a password
        </Button>
      )}
      <Button size="xs" variant="default" onClick={() => void retry()}>
        Retry
      </Button>
      <Button size="xs" variant="default" onClick={() => void skip()}>
        Skip
      </Button>
      {password && <GivePassword batch={batch} close={() => setPassword(false)} />}
    </Group>
  );
}

/** Leaves out everything that failed with one cause. */
export function SkipFailed({
  batch,
  code,
  documents,
  close,
}: {
  batch: string;
  code: string;
  documents: number;
  close: () => void;
}) {
  const client = useQueryClient();
  return (
    <Confirm
      opened
      close={close}
      title={`Skip ${counted(documents, 'document')}?`}
      action={`Skip ${documents}`}
      act={async () => {
        const body = {
          action: 'skip',
          filter: { state: 'failed', error_code: code },
          documents: [],
          evidence: false,
        };
        await ask(api.POST('/api/v1/batches/{batch}/jobs', { params: { path: { batch } }, body }));
        await client.invalidateQueries();
      }}
    >
      <Text size="sm">They count as skipped, no longer as failed, and are not tried again.</Text>
    </Confirm>
  );
}
