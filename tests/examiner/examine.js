// Holds the simulated network, and a host on it, against Baileys:
//
//   node examine.js PATH-TO-WARBLER
//
// Baileys is a companion of the phone of Elsa, a session of the host is one of the shop's phone, and
// Ada has a phone alone. One line for each step; the first that fails ends it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Companion, redirectDownloads } from './companion.js';
import { Phone, Session } from './clients.js';
import { conversation } from './conversation.js';
import { groups } from './groups.js';
import { kinds } from './kinds.js';
import { account } from './account.js';
import { linking, unlinking } from './linking.js';
import { startHost, startNetwork } from './programs.js';
import { examine } from './steps.js';

const [binary] = process.argv.slice(2);
if (!binary) {
  process.stderr.write('usage: node examine.js PATH-TO-WARBLER\n');
  process.exit(2);
}

const key = 'wbl_key_of_the_examination_only';
const folder = mkdtempSync(join(tmpdir(), 'warbler-examine-'));
const started = [];
let passed = false;
try {
  const network = await startNetwork(binary);
  started.unshift(network.program);
  redirectDownloads(network.http);
  const host = await startHost(binary, network, folder, key);
  started.unshift(host.program);
  const world = {
    network,
    elsa: await Phone.of(network.http, '15550200', 'Elsa'),
    shop: await Phone.of(network.http, '15550001', 'The Shop'),
    ada: await Phone.of(network.http, '15550100', 'Ada'),
    session: new Session(host.url, key, 'shop'),
    companion: new Companion(network),
  };
  const steps = [linking, conversation, groups, kinds, account, unlinking].flatMap((part) => part(world));
  passed = await examine(steps, () => [
    ...world.companion.log.lines.slice(-12).map(({ level, shown }) => `Baileys ${level}: ${shown}`),
    ...started.flatMap(({ name, log }) => log.slice(-8).map((line) => `${name}: ${line}`)),
  ]);
} finally {
  for (const program of started) await program.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
