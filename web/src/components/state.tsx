// States by colour and icon and word.
import type { ComponentType } from 'react';
import { words } from '../lib/format';
import * as Icons from './icons';

type Look = { color: string; icon: ComponentType<{ size?: number }> };

const grey = 'gray';
const looks: Record<string, Look> = {
  draft: { color: grey, icon: Icons.IconPencil },
  estimating: { color: 'blue', icon: Icons.IconSearch },
  ready: { color: 'cyan', icon: Icons.IconClock },
  running: { color: 'blue', icon: Icons.IconPlay },
  paused: { color: 'yellow', icon: Icons.IconPause },
  completed: { color: 'green', icon: Icons.IconCheck },
  completed_with_failures: { color: 'orange', icon: Icons.IconWarn },
  budget_exhausted: { color: 'violet', icon: Icons.IconWallet },
  cancelled: { color: grey, icon: Icons.IconStop },
  failed: { color: 'red', icon: Icons.IconCross },
  pending: { color: grey, icon: Icons.IconClock },
  leased: { color: 'blue', icon: Icons.IconPlay },
  skipped: { color: grey, icon: Icons.IconSkip },
  done: { color: 'green', icon: Icons.IconCheck },
  approved: { color: 'green', icon: Icons.IconCheck },
  rejected: { color: 'red', icon: Icons.IconCross },
  assigned: { color: 'yellow', icon: Icons.IconEye },
};

/** Documents in the hands of a worker are "running" to people. */
const names: Record<string, string> = {
  leased: 'in work',
  completed_with_failures: 'done, some failed',
  budget_exhausted: 'budget used up',
};

/** Plain, because a list shows hundreds of them. */
export function State({ of }: { of: string }) {
  const look = looks[of] ?? { color: grey, icon: Icons.IconClock };
  const Icon = look.icon;
  return (
    <span className="state" style={colorOf(look.color)}>
      <Icon size={12} />
      {names[of] ?? words(of)}
    </span>
  );
}

/** The colours of a small label: darker, or lighter, than the component library's, to be readable. */
export const colorOf = (color: string) => ({
  color: `light-dark(color-mix(in oklab, var(--mantine-color-${color}-9) 72%, black), var(--mantine-color-${color}-1))`,
  background: `light-dark(var(--mantine-color-${color}-1), color-mix(in oklab, var(--mantine-color-${color}-9) 55%, black))`,
});
