// Short queries of eight at once for some seconds, while somebody stops the server again and again: none of them may notice.
//   node stops.mjs BUNDLE URL MILLISECONDS
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const [bundle, url, milliseconds] = process.argv.slice(2)
const { PrismaClient } = createRequire(bundle + '/examples/')('../shop/client')
const db = new PrismaClient({ accelerateUrl: url })
const end = Date.now() + Number(milliseconds)
const failures = []
await Promise.all(Array.from({ length: 8 }, async () => {
  while (Date.now() < end) {
    await db.$queryRaw`select 1 as n`.catch((e) => failures.push(`${e.code} ${e.message}`))
    await new Promise((ok) => setTimeout(ok, Math.random() * 20))
  }
}))
assert.deepEqual(failures, [])
await db.$disconnect()
console.log('ok stops')
