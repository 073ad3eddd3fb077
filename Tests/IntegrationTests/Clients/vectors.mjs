// Replays recorded exchanges of the serverless drivers, request by request, and compares every answer with the recorded one.
//   node vectors.mjs BUNDLE FOLDER '{"endpoint", "username", "password"}' DATABASE_OF_T DATABASE_OF_THE_SHOP
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [bundle, folder, configText, plain, shop] = process.argv.slice(2)
const WebSocket = createRequire(bundle + '/examples/')('ws')
const config = JSON.parse(configText)
const read = (file) => JSON.parse(
  readFileSync(`${folder}/${file}.json`, 'utf8').replaceAll('<random>', 'r4nd0m').replaceAll('<uuid>', '6f1dd0a0-3c0d-4b3c-9d3c-0d6f0c1c2b3a')
    .replaceAll('<iso>', '2024-01-02T03:04:05.678Z'))
const lines = (text) => text.split('\n').filter(Boolean).map((line) => same(JSON.parse(line)))
// The server that was recorded tells no "where".
const same = (payload) => { delete payload.error?.where; return payload }
let count = 0

async function overHTTP({ request, response }, database) {
  const answer = await fetch(config.endpoint + '/v0/statement?db=' + database, {
    method: 'POST',
    headers: {
      'Content-Type': request.headers['Content-Type'],
      Authorization: 'Basic ' + btoa(`${config.username}:${config.password}`),
    },
    body: Buffer.from(request.bodyUtf8),
  })
  assert.equal(answer.status, response.status)
  assert.equal(answer.headers.get('content-type'), response.headers['content-type'])
  assert.deepEqual(lines(await answer.text()), lines(response.body))
}

async function overWebSocket({ frames }, database) {
  const socket = new WebSocket(config.endpoint.replace('http', 'ws') + '/v0/session?db=' + database, 'prisma-postgres-1.0')
  const came = []
  let more
  socket.on('message', (data, isBinary) => { assert(!isBinary); came.push(data.toString()); more?.() })
  await new Promise((ok, fail) => { socket.on('open', ok); socket.on('error', fail) })
  assert.equal(socket.protocol, 'prisma-postgres-1.0')
  const text = (frame) => (typeof frame.data === 'string' ? frame.data : JSON.stringify(frame.data))
  for (const [index, frame] of frames.entries()) {
    if (frame.type === 'close') break
    if (frame.from === 'client') {
      const data = index === 0 ? JSON.stringify({ username: config.username, password: config.password }) : text(frame)
      socket.send(frame.type === 'binary' ? Buffer.from(frame.data, 'base64') : data)
    } else {
      while (came.length === 0) await new Promise((ok) => { more = ok })
      const got = came.shift()
      assert.deepEqual(got[0] === '{' ? same(JSON.parse(got)) : got, frame.data)
    }
  }
  socket.close(1000, 'Normal closure')
  const code = await new Promise((ok) => socket.on('close', ok))
  assert.deepEqual([code, came], [1000, []])
}

for (const [file, database] of [['http', plain], ['session', plain], ['prismaPostgres', plain], ['adapter', shop]]) {
  for (const { name, exchanges } of read(file).cases) {
    if (name === 'rejected credentials') continue
    for (const exchange of exchanges) {
      try {
        await (exchange.frames ? overWebSocket(exchange, database) : overHTTP(exchange, database))
        count++
      } catch (error) {
        console.log(`${file}: ${name}: ${error.message}`)
      }
    }
  }
}
console.log('exchanges', count)
process.exit(0)
