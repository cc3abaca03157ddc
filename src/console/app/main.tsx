import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '../ui/tokens.css'
import '../ui/base.css'
import { ToastPlace } from '../ui/toast.tsx'
import { NodeData } from './node-data.tsx'
import { Shell } from './shell.tsx'

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <NodeData>
      <ToastPlace>
        <Shell />
      </ToastPlace>
    </NodeData>
  </StrictMode>,
)
