import { useMutation } from '@tanstack/react-query'
import type { NodeStatus } from '../../api/status.ts'
import { type AboutNode, useAboutNode } from '../app/about-node.ts'
import { post, toldOf } from '../app/api.ts'
import { useConnection, useNode } from '../app/node-data.tsx'
import { Button } from '../ui/button.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Ago } from '../ui/duration.tsx'
import { Facts } from '../ui/facts.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Peer } from '../ui/peer.tsx'
import { Select } from '../ui/select.tsx'
import { useToast } from '../ui/toast.tsx'
import { useKept } from '../ui/use-kept.ts'
import { chooseTheme, type Theme, useChosenTheme } from '../ui/use-theme.ts'
import { scopeWords } from './token-words.ts'
import { Tokens } from './tokens.tsx'
import './settings.css'

/** How the console looks in this browser, who may use the node, where its data lies. */
export function SettingsPage() {
  const { data: about } = useAboutNode()
  return (
    <Page title="Settings">
      <Look />
      {about === undefined ? null : <Session about={about} />}
      {about?.scope === 'operate' ? <Tokens /> : null}
      <ThisNode />
    </Page>
  )
}

const THEMES: readonly { readonly id: Theme; readonly title: string }[] = [
  { id: 'system', title: 'As the system' },
  { id: 'light', title: 'Light' },
  { id: 'dark', title: 'Dark' },
]

const DENSITIES = [
  { id: 'compact', title: 'Compact' },
  { id: 'roomy', title: 'Roomy' },
]

function Look() {
  const theme = useChosenTheme()
  // The name under which lists of offers read it.
  const [density, setDensity] = useKept('market-density', (kept) =>
    kept === 'roomy' ? 'roomy' : 'compact',
  )
  return (
    <Section title="Look">
      <div className="settings-look">
        <Select
          label="Theme"
          options={THEMES}
          value={theme}
          onChange={(id) => chooseTheme(id as Theme)}
        />
        <Select
          label="Rows of lists"
          options={DENSITIES}
          value={density}
          onChange={(id) => setDensity(id === 'roomy' ? id : 'compact')}
        />
      </div>
      <p className="faint">Kept by this browser.</p>
    </Section>
  )
}

const kinds: Readonly<Record<AboutNode['kind'], string>> = {
  cookie: 'this browser, signed in by a link',
  token: 'a token',
  owner: 'the owner, through the socket of the data folder',
}

function Session({ about }: { about: AboutNode }) {
  const connection = useConnection()
  const tell = useToast()
  const { mutate, isPending } = useMutation({
    mutationFn: () => post('/v1/session/end'),
    onSuccess() {
      connection.retry()
      window.location.assign('/') // nothing of the node stays in the page
    },
    onError: (error) => tell({ tone: 'bad', title: toldOf(error).message }),
  })
  const { kind, scope, expiresAtMs } = about
  return (
    <Section
      title="Session"
      actions={
        kind === 'cookie' ? (
          <Button isDisabled={isPending} onPress={() => mutate()}>
            Sign out
          </Button>
        ) : null
      }
    >
      <Facts
        items={[
          ['Who asks', kinds[kind]],
          ['May', `${scope}: ${scopeWords[scope]}`],
          ['Ends', expiresAtMs === null ? undefined : <Ago key="ends" atMs={expiresAtMs} />],
        ]}
      />
    </Section>
  )
}

function ThisNode() {
  const { data } = useNode<NodeStatus>('/v1/status')
  if (data === undefined) return null
  const { version, network, roles, peerId, dataDir, pid, startedAtMs } = data
  return (
    <Section title="This node">
      <Facts
        items={[
          ['Version', version],
          ['Network', network],
          ['Roles', roles.join(', ') || 'none'],
          ['Peer', <Peer key="peer" id={peerId} what="this node's peer id" />],
          ['Data', <Copyable key="data" text={dataDir} what="folder" />],
          ['Process', `${pid}`],
          ['Started', <Ago key="started" atMs={startedAtMs} />],
          [
            'API',
            <a key="docs" href="/docs">
              What programs may ask of it
            </a>,
          ],
        ]}
      />
    </Section>
  )
}
