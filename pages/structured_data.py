"""JSON-LD for machines and archives: nothing that the page does not show."""

import json

from django.utils.safestring import SafeString, mark_safe

from pages.models import Page

# As Django's json_script does, which cannot set the type we need: no "<" can end the script early.
ESCAPES = {ord(">"): "\\u003e", ord("<"): "\\u003c", ord("&"): "\\u0026"}


def json_ld(page: Page, sources: list, crumbs: list[Page], site_url: str, clinic: dict) -> SafeString:
    """The @graph of one public page, as text that may stand in a data block."""
    graph = [_site(site_url, clinic), _clinic(site_url, clinic)]
    if page.path:
        graph += [_crumbs(page, crumbs, site_url), _page(page, sources, site_url)]
    text = json.dumps({"@context": "https://schema.org", "@graph": graph}, ensure_ascii=False)
    return mark_safe(text.translate(ESCAPES))


def _site(site_url, clinic):
    return {
        "@type": "WebSite",
        "@id": f"{site_url}/#website",
        "url": f"{site_url}/",
        "name": clinic["name"],
        "inLanguage": "en-US",
        "publisher": {"@id": f"{site_url}/#clinic"},
    }


def _clinic(site_url, clinic):
    return {
        "@type": "MedicalClinic",
        "@id": f"{site_url}/#clinic",
        "name": clinic["name"],
        "url": f"{site_url}/",
        "telephone": clinic["phone"],
    }


def _crumbs(page, crumbs, site_url):
    items = [("Home", f"{site_url}/")]
    items += [(crumb.live.title, site_url + crumb.get_absolute_url()) for crumb in crumbs]
    elements = [
        {"@type": "ListItem", "position": number, "name": name, "item": url}
        for number, (name, url) in enumerate(items, 1)
    ]
    elements.append({"@type": "ListItem", "position": len(items) + 1, "name": page.live.title})
    return {
        "@type": "BreadcrumbList",
        "@id": f"{site_url}{page.get_absolute_url()}#crumbs",
        "itemListElement": elements,
    }


def _page(page, sources, site_url):
    url = site_url + page.get_absolute_url()
    revision = page.live
    described = {
        "@type": "MedicalWebPage",
        "@id": f"{url}#page",
        "url": url,
        "name": revision.title,
        "description": revision.summary,
        "inLanguage": "en-US",
        "isPartOf": {"@id": f"{site_url}/#website"},
        "breadcrumb": {"@id": f"{url}#crumbs"},
        "publisher": {"@id": f"{site_url}/#clinic"},
        "medicalAudience": "https://schema.org/Patient",
        "dateModified": revision.created_at.date().isoformat(),
        "isAccessibleForFree": True,
        "accessibilityHazard": ["noFlashingHazard", "noMotionSimulationHazard", "noSoundHazard"],
        "citation": [_citation(source) for source in sources],
    }
    if revision.is_approved:
        described |= {
            "lastReviewed": revision.reviewed_on.isoformat(),
            "expires": revision.review_due_on.isoformat(),
            "reviewedBy": {"@type": "Person", "name": revision.approved_by.get_full_name()},
        }
    return {name: value for name, value in described.items() if value}


def _citation(source):
    described = {
        "@type": "ScholarlyArticle" if source.journal else "CreativeWork",
        "name": source.title,
        "author": source.authors,
        "isPartOf": {"@type": "Periodical", "name": source.journal} if source.journal else None,
        "datePublished": str(source.year),
        "url": source.link,
        "identifier": {"@type": "PropertyValue", "propertyID": "DOI", "value": source.doi}
        if source.doi
        else None,
        "sameAs": f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/" if source.pmid else None,
    }
    return {name: value for name, value in described.items() if value}
