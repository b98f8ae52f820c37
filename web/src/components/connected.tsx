import { Tooltip } from '@mantine/core';
import type { Connection } from '../api/live';

const texts: Record<Connection, [string, string]> = {
  connecting: ['connecting…', 'Waiting for the server’s first word'],
  live: ['live', 'Changes arrive as they happen'],
  polling: [
    'live, slower',
    'Something between here and the server holds streams back; the page asks every two seconds instead',
  ],
  lost: ['reconnecting…', 'The server does not answer; the page tries again by itself, and nothing typed is lost'],
};

/** Whether what is shown is fresh. */
export function Connected({ connection }: { connection: Connection }) {
  const [text, more] = texts[connection];
  return (
    <Tooltip label={more}>
      <span className="connection" role="status" data-connection={connection}>
        <span className="dot" data-is={connection === 'polling' ? 'live' : connection} />
        {text}
      </span>
    </Tooltip>
  );
}
