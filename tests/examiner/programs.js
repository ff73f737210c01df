// The programs under examination, started on ports of their own: the simulated network, and a host.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, Failed } from './steps.js';

/** How much of what a program logs is kept, in lines. */
const KEPT = 40;

class Program {
  constructor(binary, args, env = {}) {
    this.name = args[0];
    this.out = '';
    this.log = [];
    this.child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.once('exit', () => (this.over = true));
    this.child.once('error', (error) => {
      this.log.push(String(error));
      this.over = true;
    });
    this.child.stdout.on('data', (data) => (this.out += data));
    this.child.stderr.on('data', (data) => {
      this.log.push(...String(data).split('\n').filter(Boolean));
      this.log.splice(0, this.log.length - KEPT);
    });
  }

  /** What the first match of a pattern in all it has printed and logged has in its group. */
  async says(pattern) {
    return eventually(`\`warbler ${this.name}\` to say ${pattern}`, () => {
      if (this.over) throw new Failed(`\`warbler ${this.name}\` has ended:\n${this.log.join('\n')}`);
      return (this.out + this.log.join('\n')).match(pattern)?.[1];
    });
  }

  /** Ends it and waits. */
  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

/** `warbler simulator`, and where it is. */
export async function startNetwork(binary) {
  const program = new Program(binary, ['simulator', '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0']);
  const websocket = await program.says(/(ws:\/\/127\.0\.0\.1:\d+\/ws\/chat)/);
  const http = await program.says(/(http:\/\/127\.0\.0\.1:\d+)\/control/);
  return { program, websocket, http };
}

/** `warbler serve` over that network, on a folder of its own, and where it is. */
export async function startHost(binary, network, folder, key) {
  for (const name of ['plugins', 'scripts']) mkdirSync(join(folder, name), { recursive: true });
  const list = (name) => JSON.stringify([join(folder, name)]);
  writeFileSync(
    join(folder, 'warbler.toml'),
    [
      '[data]',
      `dir = ${JSON.stringify(join(folder, 'data'))}`,
      '[extensions]',
      `plugins = ${list('plugins')}`,
      `scripts = ${list('scripts')}`,
      '[network]',
      `websocket_url = "${network.websocket}"`,
      `media_base = "${network.http}"`,
      '',
    ].join('\n'),
  );
  const program = new Program(
    binary,
    ['serve', '--config', join(folder, 'warbler.toml'), '--listen', '127.0.0.1:0'],
    { WARBLER_ADMIN_KEY: key, WARBLER_LOG: 'info', WARBLER_LOG_FORMAT: 'text' },
  );
  const url = await program.says(/is ready on (http:\/\/127\.0\.0\.1:\d+)/);
  return { program, url };
}
