"""What the demo company builds: repositories with files, names and tickets to talk about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Project:
    """A repository. ``test`` and ``build`` are shell commands; ``ticket`` a tracker's key."""

    name: str
    language: str
    ticket: str
    test: str
    build: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    things: tuple[str, ...]


_LEDGER = Project(
    "ledger-api",
    "Go",
    "PAY",
    "go test ./...",
    "go build ./cmd/ledgerd",
    (
        "internal/postings/apply.go",
        "internal/postings/apply_test.go",
        "internal/fx/rates.go",
        "internal/store/journal.go",
        "internal/store/migrations/0042_reversals.sql",
        "api/openapi.yaml",
        "internal/http/refunds.go",
        "cmd/ledgerd/main.go",
    ),
    (
        "ApplyPosting",
        "ReverseEntry",
        "RateAt",
        "journalTx",
        "RefundHandler",
        "Balance",
        "lockAccount",
    ),
    ("the posting journal", "partial refunds", "the rate cache", "idempotency keys"),
)
_CHECKOUT = Project(
    "checkout-web",
    "TypeScript",
    "SHOP",
    "npm test -- --runInBand",
    "npm run build",
    (
        "src/cart/useCart.ts",
        "src/cart/CartSummary.tsx",
        "src/payment/threeDSecure.ts",
        "src/payment/PaymentForm.tsx",
        "src/lib/money.ts",
        "src/lib/money.test.ts",
        "e2e/guest-checkout.spec.ts",
        "src/i18n/messages.de.json",
    ),
    ("useCart", "CartSummary", "formatMoney", "startChallenge", "PaymentForm", "applyVoucher"),
    ("the cart drawer", "guest checkout", "the voucher field", "the 3-D Secure challenge"),
)
_CATALOGUE = Project(
    "catalogue",
    "Kotlin",
    "CAT",
    "./gradlew test",
    "./gradlew assemble",
    (
        "src/main/kotlin/search/Ranking.kt",
        "src/main/kotlin/search/Synonyms.kt",
        "src/main/kotlin/feed/FeedImporter.kt",
        "src/test/kotlin/feed/FeedImporterTest.kt",
        "src/main/kotlin/price/PriceRules.kt",
        "src/main/resources/application.yaml",
    ),
    ("rank", "expandSynonyms", "importFeed", "PriceRules", "SkuKey", "reindexAll"),
    ("the supplier feed import", "search ranking", "price rules", "the nightly reindex"),
)
_FLEET = Project(
    "fleet",
    "Terraform",
    "PLT",
    "make validate",
    "terraform plan -out plan.bin",
    (
        "modules/cluster/main.tf",
        "modules/cluster/node_pools.tf",
        "envs/prod/eu/main.tf",
        "charts/ingress/values.yaml",
        "charts/ingress/templates/deployment.yaml",
        ".github/workflows/rollout.yaml",
        "scripts/drain-node.sh",
    ),
    ("node_pool_spot", "drain_timeout", "rollout", "ingress_replicas", "maintenance_window"),
    ("the spot node pool", "ingress autoscaling", "the canary rollout", "certificate renewal"),
)
_BUILDS = Project(
    "buildfarm",
    "Rust",
    "PLT",
    "cargo test --workspace",
    "cargo build --release",
    (
        "crates/cache/src/lib.rs",
        "crates/cache/src/evict.rs",
        "crates/worker/src/queue.rs",
        "crates/worker/tests/queue.rs",
        "crates/cli/src/main.rs",
        "Cargo.toml",
    ),
    ("Evictor", "Queue::lease", "retry_after", "ArtifactKey", "upload_blob"),
    ("the remote build cache", "lease renewal", "eviction by size", "artifact uploads"),
)
_LAKE = Project(
    "warehouse",
    "Python",
    "DAT",
    "pytest -q",
    "dbt build --select state:modified+",
    (
        "models/marts/orders_daily.sql",
        "models/staging/stg_payments.sql",
        "dags/backfill_orders.py",
        "pipelines/sessionize.py",
        "tests/test_sessionize.py",
        "pipelines/schema.py",
    ),
    ("sessionize", "backfill", "orders_daily", "stg_payments", "late_events", "Watermark"),
    ("late events", "the orders mart", "the backfill", "currency conversion in the marts"),
)
_FORECAST = Project(
    "demand-forecast",
    "Python",
    "DAT",
    "pytest -q tests",
    "python -m forecast.train --config configs/weekly.toml",
    (
        "forecast/features.py",
        "forecast/train.py",
        "forecast/evaluate.py",
        "tests/test_features.py",
        "configs/weekly.toml",
        "notebooks/holiday-lift.md",
    ),
    ("build_features", "holiday_lift", "train_fold", "wape", "Split"),
    ("holiday features", "the weekly model", "the backtest", "missing stock data"),
)
_APP = Project(
    "shopper-app",
    "Swift",
    "MOB",
    "xcodebuild test -scheme Shopper",
    "xcodebuild -scheme Shopper",
    (
        "Shopper/Basket/BasketView.swift",
        "Shopper/Basket/BasketModel.swift",
        "Shopper/Push/PushRouter.swift",
        "Shopper/Net/RetryPolicy.swift",
        "ShopperTests/PushRouterTests.swift",
    ),
    ("BasketModel", "PushRouter", "RetryPolicy", "deepLink", "restoreBasket"),
    ("push deep links", "basket restore after login", "offline mode", "the scanner screen"),
)
_GATE = Project(
    "gatekeeper",
    "Go",
    "SEC",
    "go test -race ./...",
    "go build ./...",
    (
        "internal/policy/eval.go",
        "internal/policy/eval_test.go",
        "internal/audit/sink.go",
        "internal/oidc/verify.go",
        "rules/pii.rego",
        "cmd/gatekeeper/main.go",
    ),
    ("Evaluate", "AuditSink", "VerifyToken", "rotateKeys", "redact", "PolicyInput"),
    ("token verification", "key rotation", "the audit sink", "PII redaction rules"),
)

PROJECTS = {
    "payments": (_LEDGER, _CHECKOUT),
    "platform": (_FLEET, _BUILDS),
    "storefront": (_CHECKOUT, _CATALOGUE),
    "data": (_LAKE, _FORECAST),
    "mobile": (_APP, _CHECKOUT),
    "security": (_GATE, _FLEET),
    "": (_GATE,),
}
"""Team → the repositories it works in; "" is for those without a team."""
