'use strict';
const at = (id) => document.getElementById(id);
const tell = (text) => { at('news').textContent = text; };
const show = (step) => {
  for (const id of ['answer', 'compare']) at(id).hidden = id !== step;
};
let looking = 0;

/** Asks the host about the session; its refusals are errors with a code. */
async function ask(method, end, body) {
  const session = encodeURIComponent(at('session').value.trim());
  const headers = { authorization: `Bearer ${at('key').value.trim()}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(`/v1/sessions/${session}${end}`, { method, headers, body });
  if (answer.status === 204) return {};
  const told = await answer.json();
  if (answer.ok) return told;
  throw Object.assign(new Error(told.detail || told.title), { code: told.code });
}

/** Looks what WhatsApp waits for, and shows it. */
async function look() {
  try {
    const link = await ask('GET', '/passkey');
    show(link.step);
    if (link.step === 'answer' && at('script').value !== link.script) {
      at('page').textContent = link.page;
      at('page').href = link.page;
      at('script').value = link.script;
      at('signed').value = '';
      tell('WhatsApp asks for the passkey.');
    }
    if (link.step === 'compare' && at('code').textContent !== link.code) {
      at('code').textContent = link.code;
      tell('WhatsApp has taken what the passkey signed.');
    }
  } catch (error) {
    show('');
    const waits = error.code === 'passkey_not_asked';
    const session = waits ? await ask('GET', '') : {};
    if (!waits) tell(error.message);
    else if (session.state === 'connected') tell('The session is linked and connected.');
    else tell(session.reason || 'WhatsApp does not ask for a passkey now. This page goes on looking.');
    if (!waits || session.state === 'connected') return;
  }
  looking = setTimeout(look, 1000);
}

/** Does what a button is for; what comes of it is shown. */
function on(id, act) {
  at(id).addEventListener('click', async () => {
    at(id).disabled = true;
    try {
      await act();
    } catch (error) {
      tell(error.message);
    }
    at(id).disabled = false;
  });
}

on('begin', async () => {
  clearTimeout(looking);
  await look();
});
on('hand-in', async () => {
  await ask('POST', '/passkey', at('signed').value.trim());
  tell('Handed in.');
});
on('same', async () => {
  await ask('POST', '/passkey/confirm');
  tell('The link is being finished.');
});
on('other', async () => {
  clearTimeout(looking);
  await ask('POST', '/stop');
  show('');
  tell('Somebody may stand between the phone and this session. It was stopped, and is not linked.');
});
at('script').addEventListener('focus', () => at('script').select());
