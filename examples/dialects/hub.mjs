// The frontend guide in the document of the dialect `hub`, against a running demo, which is started
// with
//
//   cargo run -- demo --data demo-data
//
// and then:  node examples/dialects/hub.mjs [BASE] [URL] [KEY-FILE]
//
// It needs nothing but Node.js 18 or later. Not in the document: the phone, which is simulated, the
// waiting, and `localStorage`, which is a map here because there is no browser.
import { readFileSync } from 'node:fs';

const base = process.argv[2] || 'http://127.0.0.1:5001';
const url = process.argv[3] || 'http://127.0.0.1:3000';
const keyFile = process.argv[4] || 'demo-data/admin.key';

const kept = new Map();
const localStorage = { setItem: (name, value) => kept.set(name, value), getItem: (name) => kept.get(name) };
const number = `1559${String(Date.now() % 1e7).padStart(7, '0')}`;
const step = (text) => console.log(`\n# ${text}`);

/** What happens in the simulated network. */
async function simulated(path, body) {
  const response = await fetch(`${url}/v1/simulator${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-API-Key': readFileSync(keyFile, 'utf8').trim() },
    body: JSON.stringify(body)
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

step('register a user');
const registerResponse = await fetch(`${base}/auth/register`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    email: `user${number}@example.com`,
    password: 'SecurePass123',
    role: 'user'
  })
});
const { data: { token, user } } = await registerResponse.json();
localStorage.setItem('jwtToken', token);
localStorage.setItem('apiKey', user.apiKey);
console.log(user.email);

step('create a session, and scan its QR with a simulated phone');
const apiKey = localStorage.getItem('apiKey');
const createSessionResponse = await fetch(`${base}/session/start`, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    'x-api-key': apiKey
  },
  body: JSON.stringify({
    session: number,
    phoneNumber: `+${number}`
  })
});
const { qr } = await createSessionResponse.json();
await simulated('/contacts', { number: `+${number}`, name: 'Owner' });
await simulated(`/contacts/${number}/scan`, { qr });

step('check the status of the session, until it is connected');
let sessionStatus;
for (let tries = 0; sessionStatus?.status !== 'connected'; tries++) {
  if (tries === 100) throw new Error('not connected within 100 s');
  if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
  const statusResponse = await fetch(
    `${base}/session/status?session=${number}`,
    {
      headers: { 'x-api-key': apiKey }
    }
  );
  ({ data: sessionStatus } = await statusResponse.json());
  console.log('Session status:', sessionStatus.status);
}

step('send a message');
const sendMessageResponse = await fetch(`${base}/message/send-text`, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    'x-api-key': apiKey
  },
  body: JSON.stringify({
    session: number,
    to: '15550100',
    text: 'Hello from frontend!',
    is_group: false
  })
});
const { success, messageId } = await sendMessageResponse.json();
if (!success) throw new Error('the message was not taken');
console.log('Message', messageId);

step('log out');
const logoutResponse = await fetch(`${base}/session/logout?session=${number}`, {
  method: 'POST',
  headers: { 'x-api-key': apiKey }
});
if (!logoutResponse.ok) throw new Error(`log out: ${logoutResponse.status}`);
console.log('\ndone');
