// What a long list is steered by: which of several names are shown, and which page.
import { ActionIcon, Group, MultiSelect, NumberInput, Select, Text, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { count, words } from '../lib/format';

/** Documents a page may have. */
export const SIZES = [50, 100, 200];

/** Some of several names; none chosen: all. */
export function Many({
  label,
  value,
  options,
  set,
}: {
  label: string;
  value?: string;
  options: string[];
  set: (value?: string) => void;
}) {
  const chosen = value ? value.split(',').filter((name) => options.includes(name)) : [];
  return (
    <MultiSelect
      size="xs"
      w={chosen.length === 0 ? 130 : undefined}
      maw={260}
      label={label}
      placeholder={chosen.length === 0 ? 'Any' : undefined}
      value={chosen}
      onChange={(names) => set(names.length > 0 ? names.join(',') : undefined)}
      data={options.map((name) => ({ value: name, label: words(name) }))}
      clearable
    />
  );
}

/** Any page by its number, the next, the one before, and how many documents each has. */
export function Pages({
  page,
  pages,
  more,
  set,
  limit,
  setLimit,
}: {
  page: number;
  pages: number;
  more: boolean;
  set: (page: number) => void;
  limit: number;
  setLimit: (size: number) => void;
}) {
  const [typed, setTyped] = useState<string | number>(page);
  useEffect(() => setTyped(page), [page]);
  return (
    <Group gap={6}>
      <Select
        size="xs"
        w={84}
        aria-label="Documents a page"
        value={String(limit)}
        allowDeselect={false}
        onChange={(value) => setLimit(Number(value))}
        data={SIZES.map(String)}
      />
      <Tooltip label="Previous page (p)">
        <ActionIcon variant="default" aria-label="Previous page" disabled={page <= 1} onClick={() => set(page - 1)}>
          ‹
        </ActionIcon>
      </Tooltip>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = Math.round(Number(typed));
          if (wanted >= 1) set(Math.min(wanted, pages));
        }}
      >
        <NumberInput size="xs" w={76} hideControls aria-label="Page" min={1} value={typed} onChange={setTyped} />
      </form>
      <Text size="sm" c="dimmed">
        of {count(pages)}
      </Text>
      <Tooltip label="Next page (n)">
        <ActionIcon
          variant="default"
          aria-label="Next page"
          disabled={!more && page >= pages}
          onClick={() => set(page + 1)}
        >
          ›
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
