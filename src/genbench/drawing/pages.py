"""Where every page comes from: whatever a template is given is escaped, and a missing name is an error."""

import jinja2


def templates(package: str) -> jinja2.Environment:
    """The templates in the folder `templates` of a package."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
