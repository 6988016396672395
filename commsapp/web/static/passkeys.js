// Forms with [data-passkey] ask the browser to make ('make') or use ('use') a passkey before they are sent. What is needed stands as
// JSON in data-options; the answer goes into the field 'credential'.

const decode = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), sign => sign.charCodeAt(0))

function encode (buffer) {
  const signs = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join('')
  return btoa(signs).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

const decodedIds = list => (list || []).map(one => ({ ...one, id: decode(one.id) }))

function make (options) {
  return navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: decode(options.challenge),
      user: { ...options.user, id: decode(options.user.id) },
      excludeCredentials: decodedIds(options.excludeCredentials)
    }
  })
}

function use (options) {
  return navigator.credentials.get({
    publicKey: { ...options, challenge: decode(options.challenge), allowCredentials: decodedIds(options.allowCredentials) }
  })
}

function asJson (credential) {
  const answer = credential.response
  const response = { clientDataJSON: encode(answer.clientDataJSON) }
  for (const part of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (answer[part]) response[part] = encode(answer[part])
  }
  if (answer.getTransports) response.transports = answer.getTransports()
  return JSON.stringify({ id: credential.id, rawId: encode(credential.rawId), type: credential.type, response })
}

function prepare (form) {
  const said = form.querySelector('[data-passkey-said]')
  if (!window.PublicKeyCredential) {
    for (const button of form.querySelectorAll('button')) button.disabled = true
    said.textContent = 'This browser has no passkeys.'
    return
  }
  form.addEventListener('submit', async event => {
    if (form.elements.credential.value) return
    event.preventDefault()
    said.textContent = ''
    try {
      const options = JSON.parse(form.dataset.options)
      form.elements.credential.value = asJson(await (form.dataset.passkey === 'make' ? make(options) : use(options)))
      form.submit()
    } catch (error) {
      said.textContent = error.name === 'InvalidStateError'
        ? 'This device has a passkey for your account already.'
        : 'No passkey was used. Try again, or go on in another way.'
    }
  })
}

export function preparePasskeys (root) {
  for (const form of root.querySelectorAll('form[data-passkey]')) prepare(form)
}
