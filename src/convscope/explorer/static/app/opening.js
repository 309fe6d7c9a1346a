/** How the page was opened: the network of the command, and whether a recorded hand draws for it. */

/** @type {{network: string | null, landing: boolean}} */
let opened = { network: null, landing: false };

/** Remember what the session begins with. @param {{network: string | null, landing: boolean}} session */
export function setOpening(session) {
  opened = { network: session.network, landing: session.landing };
}

/** Tell whether a network is the one that the page began with. */
export function isFirst(network) {
  return network === opened.network;
}

/** Tell whether a network is the one of the recorded hand. */
export function isLanding(network) {
  return opened.landing && isFirst(network);
}
