import { setTimeout as delay } from 'node:timers/promises'
import type { Startable } from '@libp2p/interface'
import { expect, onTestFinished, test } from 'vitest'
import { isInTable } from '../../../src/protocols/dht.ts'
import { localNode } from '../../support/local-node.ts'
import { eventually } from '../../support/nodes.ts'

test.each(['identify', 'ping'] as const)(
  'a peer that did not answer %s in the moment of connecting is introduced soon after',
  async (service) => {
    const relay = await localNode({ roles: ['relay'] })
    onTestFinished(() => relay[Symbol.asyncDispose]())
    // As a busy machine would: the connection stands and is greeted, but what libp2p asks at its opening gets no answer.
    const { libp2p } = relay.parts.core
    const busy = libp2p.services[service] as unknown as Startable
    await busy.stop()

    const newcomer = await localNode({ roles: ['renter'], bootstrap: [...relay.addrs] })
    onTestFinished(() => newcomer[Symbol.asyncDispose]())
    const { libp2p: own } = newcomer.parts.core
    const knows = () => isInTable(own.services.dht, libp2p.peerId)
    await eventually(() => newcomer.parts.rpc.hello.greeted(libp2p.peerId.toString()), 'greeting')
    await delay(1500) // identifying and pinging follow the opening within moments, and are tried once
    expect(await knows()).toBe(false)

    await busy.start()
    await eventually(knows, 'the relay in the routing table', 30_000)
  },
)
