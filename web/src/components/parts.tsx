// Small parts every page uses.
import { Alert, Anchor, Button, Group, Modal, Progress, Skeleton, Stack, Text, Tooltip } from '@mantine/core';
import { Children, type ReactNode, useState } from 'react';
import { type Batch, ProblemError } from '../api/client';
import { ago, count, exactTime, money } from '../lib/format';
import { useNow } from '../lib/hooks';

/** How long ago; exactly when on hover. Plain, because a list shows hundreds of them. */
export function When({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, now)}
    </time>
  );
}

/** What went wrong, and a way on. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ProblemError ? error : null;
  return (
    <Alert color="red" title={problem?.status === 404 ? 'Not found' : 'This did not work'} role="alert">
      <Stack gap="xs">
        <Text size="sm">{error instanceof Error ? error.message : String(error)}</Text>
        {problem?.hint && <Text size="sm">{problem.hint}</Text>}
        {retry && (
          <Group>
            <Button size="xs" variant="default" onClick={retry}>
              Try again
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

export function Loading({ rows = 6, height = 28 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={6} aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no other name
        <Skeleton key={row} height={height} />
      ))}
    </Stack>
  );
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack className="empty" align="center" gap="sm" py={48}>
      <Text fw={600} size="lg">
        {title}
      </Text>
      <Stack gap="xs" align="center" maw={560} ta="center" c="dimmed">
        {children}
      </Stack>
    </Stack>
  );
}

/** The five counters as one bar; every part has its colour and its words. */
export function CountersBar({ batch, size = 8 }: { batch: Batch; size?: number }) {
  const { documents } = batch;
  const share = (part: number) => (documents.total === 0 ? 0 : (part / documents.total) * 100);
  const parts = [
    { name: 'completed', value: documents.completed, color: 'green' },
    { name: 'failed', value: documents.failed, color: 'red' },
    { name: 'skipped', value: documents.skipped + documents.cancelled, color: 'gray.5' },
    { name: 'in work', value: documents.leased, color: 'blue' },
  ].filter((part) => part.value > 0);
  const label = `${count(documents.completed)} of ${count(documents.total)} documents completed, ${count(documents.failed)} failed`;
  return (
    <Progress.Root size={size} radius="xs" transitionDuration={200} role="group" aria-label={label}>
      {parts.map((part) => (
        <Tooltip key={part.name} label={`${part.name}: ${count(part.value)}`}>
          <Progress.Section value={share(part.value)} color={part.color} withAria={false} />
        </Tooltip>
      ))}
    </Progress.Root>
  );
}

/** Cost against the budget: settled, reserved and unconfirmed apart; amber at 80 %, red at 95 %. */
export function BudgetBar({ batch, size = 8 }: { batch: Batch; size?: number }) {
  const {
    budget_usd: budget,
    settled_usd: settled,
    reserved_usd: reserved,
    unconfirmed_usd: unconfirmed,
  } = batch.money;
  if (budget === null || budget === undefined || budget === 0) return null;
  const used = (settled + unconfirmed) / budget;
  const color = used >= 0.95 ? 'red' : used >= 0.8 ? 'yellow' : 'teal';
  const share = (part: number) => Math.min(100, (part / budget) * 100);
  return (
    <Progress.Root
      size={size}
      radius="xs"
      transitionDuration={200}
      role="group"
      aria-label={`${money(settled)} of ${money(budget)} spent`}
    >
      <Tooltip label={`settled: ${money(settled)}`}>
        <Progress.Section value={share(settled)} color={color} withAria={false} />
      </Tooltip>
      <Tooltip label={`unconfirmed, at its worst case: ${money(unconfirmed)}`}>
        <Progress.Section value={share(unconfirmed)} color="orange" withAria={false} striped />
      </Tooltip>
      <Tooltip label={`held back for calls in flight: ${money(reserved)}`}>
        <Progress.Section value={share(reserved)} color="gray.5" withAria={false} striped />
      </Tooltip>
    </Progress.Root>
  );
}

/** A number with its name above it. */
export function Figure({
  label,
  value,
  note,
  big,
}: {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  big?: boolean;
}) {
  return (
    <div className={big ? 'figure figure-big' : 'figure'}>
      <div className="figure-label">{label}</div>
      <div className="figure-value">{value}</div>
      <div className="figure-note">{note ?? ' '}</div>
    </div>
  );
}

/** Remarks in one line; those that are not there are left out. */
export function Remarks({ of }: { of: ReactNode[] }) {
  const there = Children.toArray(of.filter(Boolean));
  return there.length === 0 ? ' ' : there.flatMap((remark, at) => (at === 0 ? [remark] : [' · ', remark]));
}

/** Asks before it acts, says what will happen, shows what went wrong. */
export function Confirm({
  opened,
  close,
  title,
  children,
  action,
  color,
  disabled,
  act,
}: {
  opened: boolean;
  close: () => void;
  title: string;
  children: ReactNode;
  action: string;
  color?: string;
  disabled?: boolean;
  act: () => Promise<unknown>;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const leave = () => {
    setError(null);
    close();
  };
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      leave();
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={leave} title={title} centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <Stack gap="md">
          {children}
          {error !== null && <Trouble error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={leave}>
              Not now
            </Button>
            <Button type="submit" color={color} disabled={disabled} loading={busy} data-autofocus>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** A link that only looks like one inside running text. */
export function TextButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <Anchor component="button" type="button" size="sm" onClick={onClick}>
      {children}
    </Anchor>
  );
}
