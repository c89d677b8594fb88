"""Static files with hashed names, those which our script modules import included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Rewrites `import ... from "./x.js"` too; without it a browser could mix modules of two versions."""

    support_js_module_import_aggregation = True
