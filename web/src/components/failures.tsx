// What failed, by cause, with what fits each: a password, another try, leaving it out.
import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask, type BatchDetail } from '../api/client';
import { count, counted, money, words } from '../lib/format';
import { useMay } from '../lib/session';
import { GivePassword, helpFor, SkipFailed } from './failed';
import { Confirm } from './parts';

type Failure = { code: string; documents: number; example: string; example_document: number; hint: string };

export function Failures({ batch, failures }: { batch: BatchDetail; failures: Failure[] }) {
  const mayRun = useMay('run');
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
                    {mayRun && failure.code === 'password_required' && (
                      <Button size="xs" variant="default" onClick={() => setPassword(true)}>
                        Give a password
                      </Button>
                    )}
                    {mayRun && (
                      <>
                        <Button size="xs" variant="default" onClick={() => setRetrying(failure)}>
                          Retry ({price(failure.documents)})
                        </Button>
                        <Button size="xs" variant="default" onClick={() => setSkipping(failure)}>
                          Skip
                        </Button>
                      </>
                    )}
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
      {mayRun && failures.length > 1 && (
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
