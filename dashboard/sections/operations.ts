// The pages of whoever runs the server, and of whoever writes programs against it.
export { FirstSteps, FirstStepsPage } from '../pages/first-steps.tsx'
export { KeysSection } from '../pages/api-keys.tsx'
export { LogPage } from '../pages/log.tsx'
export { RefusalsPage } from '../pages/refusals.tsx'
export { StatusPage } from '../pages/status.tsx'
export { WebhooksSection } from '../pages/webhooks.tsx'
