// SPDX-License-Identifier: LGPL-2.1-or-later
// node-ble-loop.js ADDRESS: what recv-loop does, with node-ble: connects, asks for Live Measurement, looks at all samples of what comes and keeps their
// maximum and sum. Prints `ready` once it is subscribed, and upon SIGUSR1 how many it has looked at.
const { createBluetooth } = require('node-ble')

const LIVE_UUID = '95840102-2319-423b-8a8e-ee1ffb8d13f8'
const FIXED_OCTETS = 18

const samples = { received: 0, n: 0, sum: 0, max: -32768 }

function take (data) {
  samples.received++
  for (let at = FIXED_OCTETS; at + 1 < data.length; at += 2) {
    const value = data.readInt16LE(at)
    samples.n++
    samples.sum += value
    samples.max = Math.max(samples.max, value)
  }
}

async function findLive (server) {
  for (const uuid of await server.services()) {
    const service = await server.getPrimaryService(uuid)
    if ((await service.characteristics()).includes(LIVE_UUID)) return service.getCharacteristic(LIVE_UUID)
  }
  throw new Error('the device has no Live Measurement')
}

async function main (address) {
  const { bluetooth, destroy } = createBluetooth()
  const adapter = await bluetooth.defaultAdapter()
  const device = await adapter.waitDevice(address)
  await device.connect()
  const live = await findLive(await device.gatt())
  live.on('valuechanged', take)
  await live.startNotifications()
  console.log('ready')
  process.on('SIGUSR1', () => console.log(`at ${samples.received}`))
  process.on('SIGTERM', () => {
    console.log(`received ${samples.received} max ${samples.max} sum ${samples.sum} of ${samples.n}`)
    destroy()
    process.exit(0)
  })
}

main(process.argv[2]).catch(error => {
  console.error(error)
  process.exit(1)
})
