// Resolves DID URLs with the JavaScript resolver of did:ethr: one a line in, one JSON a line out.
// usage: node ethr_resolve.mjs MODULES RPC-URL CHAIN-ID CONTRACT < did-urls

import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const [modules, rpcUrl, chainId, registry] = process.argv.slice(2)
const load = createRequire(`${modules}/`)
const { Resolver } = load('did-resolver')
const { getResolver } = load('ethr-did-resolver')

const networks = [{ name: 'city', chainId: Number(chainId), rpcUrl, registry }]
const resolver = new Resolver(getResolver({ networks }))
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await resolver.resolve(line)))
}
process.exit(0)
