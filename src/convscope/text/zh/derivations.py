"""Messages of `derivations`."""

MESSAGES = {
    "explain has no formula for {layer}. Register one. [no-derivation]": "explain 没有 {layer} 的公式。请注册一个。[no-derivation]",
    'lang must be "en" or "zh" (got lang={got!r}). [language]': 'lang 必须是 "en" 或 "zh"（实际为 lang={got!r}）。[language]',
    "{got!r} is not derived here. {hint} [quantity]": "这里没有推导 {got!r}。{hint}[quantity]",
    "explain has no derivation for {layer}. Register one with derivations.family.derivations. [no-derivation]": "explain 没有 {layer} 的推导。请用 derivations.family.derivations 注册。[no-derivation]",
    "explain has no operations for {layer}. Register them. [no-derivation]": "explain 没有 {layer} 的运算量推导。请注册。[no-derivation]",
}
