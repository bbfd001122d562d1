"""Settings of every deployment. What differs from one to the next is an environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from gradingsite import broker, env, logs, single_sign_on

BASE_DIR = Path(__file__).resolve().parent.parent
# Everything that a run writes lies under this one directory: database, uploads, models, secrets.
VAR_DIR = env.path("MARGINALIA_VAR", BASE_DIR / "var")
VAR_DIR.mkdir(mode=0o750, parents=True, exist_ok=True)

# --- Who may talk to the site, and how -------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.kept_secret("SECRET_KEY", VAR_DIR / "secret_key")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.words("ALLOWED_HOSTS")]

# HTTPS=1 is for a site behind TLS. It cannot be on for plain http://localhost: browsers may drop a "secure" cookie
# there, so nobody could log in, and HSTS would send every other program on localhost to https as well.
HTTPS = env.flag("HTTPS", default=False)
# How many proxies of one's own stand in front; only then are X-Forwarded-For and -Proto believed.
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, most=5)
SITE_URL = env.url("SITE_URL", "", ("http", "https")).rstrip("/")  # for links in e-mails
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []

SECURE_SSL_REDIRECT = HTTPS
# Probes come from inside, over plain HTTP. Programs that ask the API over it are refused: led on to HTTPS, nobody would
# notice that they send a token in the clear.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|livez|readyz|metrics)$", r"^api/(?!docs/)"]
SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env.flag("HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = HTTPS and env.flag("HSTS_PRELOAD", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True  # no script of ours reads one
if HTTPS:
    # A browser takes such a name from this host alone, over TLS alone: no other host of the school can plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
# Marks a browser that somebody has logged in with before: its tries are counted apart from everybody else's.
KNOWN_BROWSER_COOKIE_NAME = "__Host-known" if HTTPS else "known"
KNOWN_BROWSER_DAYS = env.whole("KNOWN_BROWSER_DAYS", 180, least=1)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env.whole("SESSION_HOURS", 24 * 14, least=1) * 3600
SESSION_IDLE_SECONDS = env.whole("SESSION_IDLE_HOURS", 24, least=1) * 3600

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap's icons are data: pictures inside its style sheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "report-uri": ["/csp-report"],
    }
}

# --- What the site is made of ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "bootstrap",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "courses",
    "grading",
    "gradingsite.signin",
    "gradingsite.lti",
]
MIDDLEWARE = [
    "gradingsite.requests.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "gradingsite.signin.idle.IdleSessionMiddleware",
    "gradingsite.signin.known_browsers.KnownBrowserMiddleware",
    "gradingsite.signin.no_store.NoStoreMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "gradingsite.signin.middleware.StaffSecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "gradingsite.urls"
WSGI_APPLICATION = "gradingsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # they name people; no cookie need hold them
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Database --------------------------------------------------------------------------------------------------------
DATABASE_URL = env.url("DATABASE_URL", "", ("postgres", "postgresql", "sqlite"))
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR_DIR / "db.sqlite3",
    "OPTIONS": {
        # Writers queue at BEGIN instead of failing in the middle of a transaction, and readers never wait for them.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}


def _database() -> dict[str, Any]:
    if not DATABASE_URL or DATABASE_URL.startswith("sqlite://"):
        name = dj_database_url.parse(DATABASE_URL)["NAME"] if DATABASE_URL else SQLITE["NAME"]
        return {**SQLITE, "NAME": name}
    config = dj_database_url.parse(DATABASE_URL, conn_max_age=600, conn_health_checks=True)
    # A database that does not answer must not hang a page, nor the health check.
    config["OPTIONS"] = {"connect_timeout": 5, **config.get("OPTIONS", {})}
    return dict(config)


DATABASES = {"default": _database()}

# --- Accounts --------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "gradingsite.signin.limits.LimitBackend",
    "axes.backends.AxesStandaloneBackend",
    "gradingsite.accounts.EmailBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS.append({"NAME": "gradingsite.passwords.SiteWordsValidator"})
PASSWORD_WORDS = ["marginalia", *env.words("PASSWORD_WORDS")]  # with the site's own name, too easily guessed here
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"

# A whole school may sit behind one address, so an address alone is not locked: account and address together are, for a
# time that no further try makes longer, and not for a browser that was logged in to the account before.
AXES_FAILURE_LIMIT = env.whole("LOGIN_FAILURE_LIMIT", 8, least=1)
AXES_COOLOFF_TIME = env.whole("LOGIN_COOLOFF_MINUTES", 15, least=1) / 60  # axes counts hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_WHITELIST_CALLABLE = "gradingsite.signin.known_browsers.is_known"
AXES_CLIENT_IP_CALLABLE = "gradingsite.accounts.client_address"
AXES_USERNAME_CALLABLE = "gradingsite.accounts.login_name"
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True  # gradingsite.signin keeps the record, without whole addresses

LOGIN_RECORD_DAYS = env.whole("LOGIN_RECORD_DAYS", 365, least=1)  # then a line of the record goes
# A link to set a password works once: by invitation for so many hours, because it was forgotten for an hour at most.
PASSWORD_RESET_TIMEOUT = env.whole("PASSWORD_LINK_HOURS", 72, least=1) * 3600
RESET_LINK_SECONDS = env.whole("RESET_LINK_MINUTES", 60, least=5, most=60) * 60

# What must hold across all web processes, such as codes that were used already.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "site_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# The second factor. No address of allauth is served but those that gradingsite/signin/urls.py names.
REQUIRE_STAFF_TWO_FACTOR = env.flag("REQUIRE_STAFF_TWO_FACTOR", default=False)
ACCOUNT_ADAPTER = "gradingsite.signin.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
# After so long sensitive acts ask again who it is.
ACCOUNT_REAUTHENTICATION_TIMEOUT = env.whole("REAUTHENTICATION_MINUTES", 15, least=1, most=720) * 60
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key"}  # codes of the second factor, of one person
# Wrong passwords and links: for one account from anywhere, and from one address for any account.
TRIES_PER_HOUR = {
    "password_account": env.whole("LOGIN_ACCOUNT_LIMIT", 50, least=1),
    "password_browser": env.whole("LOGIN_BROWSER_LIMIT", 20, least=1),
    "password_address": env.whole("LOGIN_ADDRESS_LIMIT", 300, least=1),
    "link_account": env.whole("LINK_ACCOUNT_LIMIT", 5, least=1),
    "link_address": env.whole("LINK_ADDRESS_LIMIT", 100, least=1),
    "old_password": 10,
    "file": env.whole("FILES_PER_HOUR", 60, least=1),  # uploads and imports of one person
    "csp_report": 100,  # lines of the log, of the whole site: the first ones tell what is wrong
    "copy": 20,  # zips of everything about oneself
    "api_token": env.whole("API_REQUESTS_PER_HOUR", 3600, least=1),  # of one token
}
MFA_ADAPTER = "gradingsite.signin.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # half a minute early or late
MFA_FORMS = {
    "authenticate": "gradingsite.signin.forms.SignInCodeForm",
    "reauthenticate": "gradingsite.signin.forms.AgainCodeForm",
    "activate_totp": "gradingsite.signin.forms.SwitchOnForm",
}

# Single sign-on with OpenID Connect: only where OIDC_ISSUER names a provider.
OIDC_ISSUER = env.url("OIDC_ISSUER", "", ("http", "https"))
OIDC_BUTTON = env.text("OIDC_BUTTON", "School account")
OIDC_EMAIL_CLAIM = env.text("OIDC_EMAIL_CLAIM", "email")
OIDC_TRUST_EMAIL = env.flag("OIDC_TRUST_EMAIL", default=False)
OIDC_CREATE_ACCOUNTS = env.flag("OIDC_CREATE_ACCOUNTS", default=False)
SOCIALACCOUNT_ADAPTER = "gradingsite.signin.sso.SsoAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = single_sign_on.providers(OIDC_ISSUER, OIDC_BUTTON, HTTPS)

# --- Language and time -----------------------------------------------------------------------------------------------
USE_I18N = True
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", ("en", "de"))
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "gradingsite" / "locale"]
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")

# --- Files -----------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"  # what was uploaded; no URL leads there, views hand it out by permission
# Hashed and compressed names need `collectstatic` first; DEBUG and the tests do without.
STATIC_MANIFEST = env.flag("STATIC_MANIFEST", default=not DEBUG)
STATIC_STORAGE = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if STATIC_MANIFEST
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATIC_STORAGE},
}
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST

MEBIBYTE = 1024 * 1024
MAX_UPLOAD_BYTES = env.whole("MAX_UPLOAD_MEBIBYTES", 20, least=1) * MEBIBYTE  # one file
MAX_UPLOAD_FILES = env.whole("MAX_UPLOAD_FILES", 500, least=1)  # in one request, and inside one .zip
MAX_UNPACKED_BYTES = env.whole("MAX_UNPACKED_MEBIBYTES", 200, least=1) * MEBIBYTE  # of one .zip, .docx or .odt
HAND_INS_PER_DAY = env.whole("HAND_INS_PER_DAY", 40, least=1)  # of one student
STUDENT_QUOTA_BYTES = env.whole("STUDENT_QUOTA_MEBIBYTES", 1000, least=1) * MEBIBYTE  # what one student handed in
COURSE_QUOTA_BYTES = env.whole("COURSE_QUOTA_MEBIBYTES", 20_000, least=1) * MEBIBYTE  # what staff brought in
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * MEBIBYTE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_UPLOAD_FILES
FILE_UPLOAD_PERMISSIONS = 0o640

# --- E-mail ----------------------------------------------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_BACKEND = "gradingsite.mail.CountingBackend" if EMAIL_HOST else "django.core.mail.backends.console.EmailBackend"
EMAIL_PORT = env.whole("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "marginalia@localhost")

# --- Workers ---------------------------------------------------------------------------------------------------------
REDIS_URL = env.url("REDIS_URL", broker.socket_url(VAR_DIR), ("redis", "rediss", "redis+socket"))
CELERY_BROKER_URL = REDIS_URL
QUEUES = ("marking", "training", "default")
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"grading.tasks.mark_*": {"queue": "marking"}, "grading.tasks.train_*": {"queue": "training"}}
CELERY_TASK_IGNORE_RESULT = True
# A message is only a wake-up for rows in the database, which carry the lease: a repeated one does no harm, a lost one
# is made good by the sweeper.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = float(env.whole("WORKER_SOFT_SHUTDOWN_SECONDS", 30))
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
_BROKER = {
    "visibility_timeout": env.whole("BROKER_VISIBILITY_SECONDS", 12 * 3600, least=60),
    "socket_keepalive": True,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}
# A page that sends a wake-up goes on without it where the broker is away or hangs: what it waits for is rows.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    **_BROKER,
    "max_retries": 0,
    "socket_connect_timeout": 0.5,
    "socket_timeout": 0.5,
    "retry_on_timeout": False,
}
# Workers and beat live by the broker, and bear with a slow one; gradingsite.celery gives them these.
PATIENT_BROKER_OPTIONS = {
    **_BROKER,
    "max_retries": 1,
    "socket_connect_timeout": 3,
    "socket_timeout": 10,
    "retry_on_timeout": True,
}
CELERY_TASK_PUBLISH_RETRY = False  # the sweeper sends again what was not sent
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # Messages older than the next beat are dropped, so that a backlog of sweeps cannot build up while workers are away.
    "sweep": {"task": "grading.tasks.sweep", "schedule": 20.0, "options": {"queue": "default", "expires": 20}},
    "retention": {"task": "grading.tasks.retention", "schedule": 3600.0, "options": {"expires": 3600}},
    "lti_scores": {"task": "gradingsite.lti.tasks.send_scores", "schedule": 30.0, "options": {"expires": 30}},
    "lti_launches": {"task": "gradingsite.lti.tasks.forget_launches", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget_logins": {"task": "gradingsite.signin.tasks.forget_old_lines", "schedule": 3600.0},
}

# --- The model -------------------------------------------------------------------------------------------------------
MARGINALIA_BASE_DIR = env.path("MARGINALIA_BASE_DIR", VAR_DIR / "models" / "smollm2-135m-instruct")
MARGINALIA_VERSIONS_DIR = env.path("MARGINALIA_VERSIONS_DIR", VAR_DIR / "versions")
MARGINALIA_TRAINING_DIR = env.path("MARGINALIA_TRAINING_DIR", VAR_DIR / "training")  # half-made adapters, checkpoints
MARGINALIA_QUANTISATION: Literal["nf4", "int8", "none"] = env.choice(
    "MARGINALIA_QUANTISATION", "nf4", ("nf4", "int8", "none")
)
MARGINALIA_COMPUTE_DTYPE: Literal["auto", "float32", "bfloat16", "float16"] = env.choice(
    "MARGINALIA_COMPUTE_DTYPE", "auto", ("auto", "float32", "bfloat16", "float16")
)
MARGINALIA_DEVICE = env.choice("MARGINALIA_DEVICE", "auto", ("auto", "cpu", "cuda", *(f"cuda:{n}" for n in range(16))))
# Which dtype each kind of machine was measured to be faster in; workers of several machines may share it.
MARGINALIA_TIMINGS_DIR = env.path("MARGINALIA_TIMINGS_DIR", VAR_DIR / "timings")
# Where frozen training data and the logs of trainings are kept.
MARGINALIA_TRAINING_DIR = env.path("MARGINALIA_TRAINING_DIR", VAR_DIR / "training")
TRAINING_PROCESSES = env.whole("TRAINING_PROCESSES", 1, least=1)  # one for each GPU that a training may take
SUGGEST_TRAINING_AFTER = env.whole("SUGGEST_TRAINING_AFTER", 100, least=1)  # new corrections that make one worth a try
MARKING_BATCH_SIZE = env.whole("MARKING_BATCH_SIZE", 8, least=1)  # answers that one worker takes at a time
MARKING_SLICE_SECONDS = env.whole("MARKING_SLICE_SECONDS", 10, least=1)  # then other messages get their turn
HEARTBEAT_SECONDS = env.whole("HEARTBEAT_SECONDS", 5, least=1)
# A job or training whose worker was silent for this long goes back to the queue.
LEASE_SECONDS = env.whole("LEASE_SECONDS", 60, least=2)
# Workers that have not been heard of for this long are not counted on the health page.
WORKER_SEEN_SECONDS = env.whole("WORKER_SEEN_SECONDS", 60, least=10)

# --- Log -------------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "plain", ("plain", "json"))
LOGGING = logs.configuration(LOG_FORMAT, LOG_LEVEL)

# --- Watching it -----------------------------------------------------------------------------------------------------
# Who may read /metrics: whoever has this token, or without one, this machine alone.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# A process writes what it counted to the database this often; 0: only when told to.
METRICS_FLUSH_SECONDS = env.whole("METRICS_FLUSH_SECONDS", 5)
# What the health page calls old, full or too few.
ALARM_QUEUE_MINUTES = env.whole("ALARM_QUEUE_MINUTES", 30, least=1)
ALARM_BACKUP_DAYS = env.whole("ALARM_BACKUP_DAYS", 7, least=1)
ALARM_DISK_PERCENT = env.whole("ALARM_DISK_PERCENT", 10, least=1, most=90)  # left free

if DEBUG and HTTPS:
    raise ImproperlyConfigured("DEBUG and HTTPS are both on; a site that the world can reach must not run with DEBUG.")
