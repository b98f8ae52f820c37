// Live streams. A stream that is quiet for too long is called stale; one that cannot be held
// (a proxy that collects, a server that restarts) is replaced by asking now and then.
import { useEffect, useRef, useState } from 'react';
import { url } from './client';

export type Connection = 'connecting' | 'live' | 'polling' | 'lost';

/** No word for so long: something is wrong. The server sends four times a second while anything runs. */
const STALE_MS = 5_000;
const POLL_MS = 2_000;

type Handlers = Record<string, (data: never, id: string) => void>;

/**
 * Listens to a stream. `handlers` are called by the event's name; `refresh` when the page should ask
 * anew: when the stream is opened (again), and while nothing but asking works. `path` null: nothing to listen to.
 */
export function useStream(path: string | null, handlers: Handlers, refresh: () => Promise<unknown>): Connection {
  const [connection, setConnection] = useState<Connection>('connecting');
  const latest = useRef({ handlers, refresh });
  latest.current = { handlers, refresh };

  useEffect(() => {
    if (path === null) return;
    let source: EventSource | null = null;
    let closed = false;
    let lastId = '';
    let retry: ReturnType<typeof setTimeout> | undefined;
    let poll: ReturnType<typeof setInterval> | undefined;

    const stopPolling = () => {
      if (poll) clearInterval(poll);
      poll = undefined;
    };
    const startPolling = () => {
      if (poll || closed) return;
      poll = setInterval(async () => {
        try {
          await latest.current.refresh();
          setConnection((now) => (now === 'live' ? now : 'polling'));
        } catch {
          setConnection('lost');
        }
      }, POLL_MS);
    };
    const open = () => {
      if (closed) return;
      const after = lastId === '' ? '' : `?after=${lastId}`;
      const opened = new EventSource(url(path) + after);
      source = opened;
      // A proxy that collects answers opens the stream and then says nothing.
      const quiet = setTimeout(() => {
        if (source === opened && opened.readyState !== EventSource.CLOSED) startPolling();
      }, STALE_MS);
      const alive = () => {
        clearTimeout(quiet);
        stopPolling();
        setConnection('live');
      };
      // Also at the first time: what happened between the page's first answers and now is in neither.
      opened.onopen = () => {
        latest.current.refresh().catch(() => {});
      };
      opened.onerror = () => {
        clearTimeout(quiet);
        opened.close();
        if (closed || source !== opened) return;
        setConnection('lost');
        startPolling();
        retry = setTimeout(open, 1_000);
      };
      for (const name of Object.keys(latest.current.handlers)) {
        opened.addEventListener(name, (event) => {
          const message = event as MessageEvent<string>;
          alive();
          if (message.lastEventId) lastId = message.lastEventId;
          latest.current.handlers[name]?.(JSON.parse(message.data) as never, message.lastEventId);
        });
      }
    };
    open();
    return () => {
      closed = true;
      source?.close();
      if (retry) clearTimeout(retry);
      stopPolling();
    };
  }, [path]);

  return connection;
}
