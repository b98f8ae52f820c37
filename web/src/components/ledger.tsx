// The books of a batch: what was paid, held back and lost; and what becomes of lost calls.
import { Button, Checkbox, FileInput, Group, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api, ask, type BatchDetail } from '../api/client';
import { count, counted, money, words } from '../lib/format';
import { Loading, Trouble } from './parts';

export function Ledger({ batch, close, runs }: { batch: BatchDetail; close: () => void; runs: boolean }) {
  const ledger = useQuery({
    queryKey: ['batch', batch.id, 'ledger', batch.money],
    queryFn: () => ask(api.GET('/api/v1/batches/{batch}/ledger', { params: { path: { batch: batch.id } } })),
    placeholderData: (old) => old,
  });
  const rows = ledger.data?.rows ?? [];
  const lost = rows.reduce((sum, row) => sum + row.unconfirmed_calls, 0);
  return (
    <Modal opened onClose={close} title="Ledger" size="xl" centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        {ledger.isPending && <Loading />}
        {ledger.error && <Trouble error={ledger.error} />}
        {ledger.data && rows.length === 0 && <Text>No call was made yet.</Text>}
        {rows.length > 0 && (
          <div className="table-wrap" tabIndex={0} role="group" aria-label="Ledger by model and class">
            <table className="list">
              <thead>
                <tr>
                  <th>Model</th>
                  <th>Class</th>
                  <th className="num">Calls</th>
                  <th className="num">Paid</th>
                  <th className="num">Held back</th>
                  <th className="num">Unconfirmed</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={`${row.model} ${row.class}`}>
                    <td>{row.model}</td>
                    <td>{words(row.class)}</td>
                    <td className="num">{count(row.calls)}</td>
                    <td className="num">{money(row.settled_usd)}</td>
                    <td className="num">{money(row.reserved_usd)}</td>
                    <td className="num">
                      {money(row.unconfirmed_usd)}
                      {row.unconfirmed_calls > 0 && (
                        <span className="faint"> · {counted(row.unconfirmed_calls, 'call')}</span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {lost > 0 && (
          <Reconcile batch={batch} lost={lost} runs={runs}>
            <Text size="sm">
              Of {counted(lost, 'call')} nobody knows whether they were billed: a crash or a broken connection came
              between. {money(batch.money.unconfirmed_usd)} is held back for them, their worst case, until you say what
              became of them.
            </Text>
          </Reconcile>
        )}
      </Stack>
    </Modal>
  );
}

/** What the provider counted, or a person’s word. */
function Reconcile({
  batch,
  lost,
  runs,
  children,
}: {
  batch: BatchDetail;
  lost: number;
  runs: boolean;
  children: ReactNode;
}) {
  const [way, setWay] = useState('usage');
  const [file, setFile] = useState<File | null>(null);
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const settle = async () => {
    setBusy(true);
    setError(null);
    try {
      const body = way === 'usage' ? { usage: (await file?.text()) ?? '' } : { release: true };
      const done = await ask(
        api.POST('/api/v1/batches/{batch}/reconcile', { params: { path: { batch: batch.id } }, body }),
      );
      notifications.show({
        message: `${counted(done.calls, 'call')} settled: ${money(done.billed_usd)} of ${money(done.was_unconfirmed_usd)} was billed`,
      });
      client.setQueryData<BatchDetail>(['batch', batch.id], (old) => (old ? { ...old, ...done.batch } : old));
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section aria-label="Lost calls">
      <Stack gap="xs">
        {children}
        {runs && (
          <>
            <SegmentedControl
              value={way}
              onChange={setWay}
              data={[
                { value: 'usage', label: 'By the provider’s usage export' },
                { value: 'release', label: 'They were not billed' },
              ]}
            />
            {way === 'usage' ? (
              <FileInput
                label="Usage export"
                description="CSV or JSON of OpenAI, Anthropic or Google, whole for the time of this batch, of a key nobody else used then."
                accept=".csv,.json,.jsonl,.txt"
                value={file}
                onChange={setFile}
                placeholder="Choose a file"
              />
            ) : (
              <Checkbox
                label={`If the provider billed them after all, the true cost is up to ${money(batch.money.unconfirmed_usd)} above what docmill counts, and may pass the budget.`}
                checked={sure}
                onChange={(event) => setSure(event.currentTarget.checked)}
              />
            )}
            {error != null && <Trouble error={error} />}
            <Group justify="flex-end">
              <Button loading={busy} disabled={way === 'usage' ? !file : !sure} onClick={settle}>
                Settle {counted(lost, 'call')}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </section>
  );
}
