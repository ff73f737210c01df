// As many sessions of Baileys in one process as asked for, which do nothing.
//
//   node idle.js WEBSOCKET HTTP SESSIONS
//
// Keys are in memory, and nothing is logged. It prints `empty` when it has loaded and waits for a line;
// then it prints each session's QR behind `qr `. tests/benches/baileys/run measures it.

import { once } from 'node:events';
import { Companion, redirectDownloads } from './companion.js';

const [websocket, http, sessions] = process.argv.slice(2);
redirectDownloads(http);
process.stdout.write('empty\n');
await once(process.stdin, 'data');
process.stdin.pause();
const open = [];
for (let number = 0; number < Number(sessions); number += 1) {
  const session = new Companion({ websocket, http }, { shouldSyncHistoryMessage: () => false });
  process.stdout.write(`qr ${await session.connects().showsQr()}\n`);
  await session.opens();
  open.push(session);
}
