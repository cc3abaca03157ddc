import { Command, Monitor, Moon, Sun, WifiOff } from 'lucide-react'
import { type ReactNode, Suspense, useState } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ChoiceMenu } from '../ui/menu.tsx'
import { Peer } from '../ui/peer.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { chooseTheme, type Theme, useChosenTheme } from '../ui/use-theme.ts'
import { useAboutNode } from './about-node.ts'
import { AwayBanner, ConnectionSign } from './connection-sign.tsx'
import { ErrorEdge } from './error-edge.tsx'
import { Mark } from './mark.tsx'
import { useNodeState } from './node-data.tsx'
import { FIRST_PAGE, pages } from './pages.tsx'
import { Palette } from './palette.tsx'
import { useShortcuts } from './shortcuts.ts'
import { SignedOut } from './signed-out.tsx'
import './shell.css'

/** What stands around every page: navigation, which node this is and whether it answers, the palette. */
export function Shell() {
  const state = useNodeState()
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  useShortcuts(() => setPaletteOpen(true))
  if (state === 'refused') return <SignedOut />
  return (
    <div className="shell" data-node={state}>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <Rail />
      <TopBar onPalette={() => setPaletteOpen(true)} />
      <main id="content" className="content" tabIndex={-1}>
        <AwayBanner />
        <div className="content-body">
          <CurrentPage />
        </div>
      </main>
      <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} />
    </div>
  )
}

function CurrentPage() {
  const [location] = useLocation()
  return (
    <ErrorEdge key={location.split('/')[1]}>
      <Suspense fallback={<SkeletonRows label="Loading the page" />}>
        <Switch>
          <Route path="/">
            <Redirect to={FIRST_PAGE} replace />
          </Route>
          {pages.map(({ path, Content }) => (
            <Route path={path} key={path}>
              <Content />
            </Route>
          ))}
          <Route>
            <EmptyState
              icon={<WifiOff aria-hidden="true" />}
              title="There is no such page"
              actions={<Link href={FIRST_PAGE}>Go to the market</Link>}
            />
          </Route>
        </Switch>
      </Suspense>
    </ErrorEdge>
  )
}

function Rail() {
  const [location] = useLocation()
  return (
    <nav className="rail" aria-label="Pages">
      <Link href={FIRST_PAGE} className="brand" aria-label="compute-node">
        <Mark />
        <span>compute-node</span>
      </Link>
      <ul>
        {pages.map(({ title, nav }) =>
          nav === undefined ? null : (
            <li key={nav.to}>
              <Link
                href={nav.to}
                className="rail-link"
                title={title}
                {...(nav.under.some((start) => location.startsWith(start))
                  ? { 'aria-current': 'page' as const }
                  : {})}
              >
                {nav.icon}
                <span>{title}</span>
              </Link>
            </li>
          ),
        )}
      </ul>
    </nav>
  )
}

function TopBar({ onPalette }: { onPalette: () => void }) {
  const { data } = useAboutNode()
  return (
    <header className="top">
      <div className="top-node">
        {data === undefined ? null : (
          <>
            <span className="top-network" title="The network of this node">
              {data.network}
            </span>
            <span className="top-peer">
              <Peer id={data.peerId} what="this node's peer id" />
            </span>
          </>
        )}
      </div>
      <div className="top-tools">
        <ConnectionSign />
        <Button
          kind="quiet"
          icon={<Command aria-hidden="true" />}
          label="Commands (Ctrl-K)"
          onPress={onPalette}
        />
        <ThemeMenu />
      </div>
    </header>
  )
}

const themeIcons: Readonly<Record<Theme, ReactNode>> = {
  system: <Monitor aria-hidden="true" />,
  light: <Sun aria-hidden="true" />,
  dark: <Moon aria-hidden="true" />,
}

function ThemeMenu() {
  const chosen = useChosenTheme()
  return (
    <ChoiceMenu
      label="Theme"
      icon={themeIcons[chosen]}
      mode="one"
      entries={[
        { id: 'system', title: 'As the system' },
        { id: 'light', title: 'Light' },
        { id: 'dark', title: 'Dark' },
      ]}
      chosen={[chosen]}
      onChange={([theme]) => theme !== undefined && chooseTheme(theme as Theme)}
    />
  )
}
