"""Words by which people in danger search: help comes first then, before any page is looked for.

A false alarm costs a reader one box of phone numbers. A missed one can cost a life, so this list takes
whole phrases as people type them, misspellings of its main words, and never depends on a page being public.
"""

import re
from difflib import get_close_matches

from pages.spelling import is_english, plain

# What each kind of danger is called in the template that shows the help (templates/pages/crisis.html).
PATTERNS = {
    "suicide": re.compile(
        r"\b("
        r"suicid\w*|kms|unalive|kill(ing)? (my ?self|me)|end(ing)? (it( all)?|my life|everything)|"
        r"(want|wanna|wish|going|ready|better|rather) (\w+ ){0,2}(die|dead|dying)|^die$|dying|"
        r"self ?(harm|injur)\w*|(hurt|harm|cut|burn|starv)\w* my ?self|take my (own )?life|"
        r"(no|any|nothing|not) (\w+ )?(reason|point|will|worth)( in| to)? liv\w*|nothing to live for|"
        r"(dont|do not|no longer|not) want to (live|be alive|be here|wake up|exist)|"
        r"cant (go on|take (it|this)|do this|live like this|cope)( any ?more)?|tired of (life|living)|"
        r"cris[ie]s|lifeline|988|hopeless|give up on life|goodbye (note|letter)|"
        r"(too many|all my|whole bottle of) pills|overdo(s\w*|es)"
        r")\b"
    ),
    "poison": re.compile(
        r"\b("
        r"overdo(s\w*|es)|poison\w*|od(ed)?|too many pills|"
        r"(took|taken|take|swallowed|ate) (way )?too (much|many)|"
        r"double dos\w*|swallowed|(whole|all my) (bottle|pills)"
        r")\b"
    ),
    "emergency": re.compile(
        r"\b("
        r"911|emergenc\w*|ambulance|(a|having( a)?|had a|signs of|symptoms of|mini) strokes?|^strokes?$|tia|"
        r"worst (head ?ache|migraine|pain|head pain)|thunderclap|"
        r"(sudden|explosive)\w* (\w+ ){0,2}head ?ache|"
        r"cant (speak|talk|see|move|breathe|feel|wake|walk)|trouble (speaking|breathing)|slurr\w*|"
        r"face (is )?(droop|numb)\w*|droop\w*|(arm|leg|side|face)s? (\w+ )?(numb|weak|paraly)\w*|"
        r"(numb|weak)\w* (\w+ ){0,3}(arm|leg|side|face)s?|one side (\w+ )?(numb|weak)\w*|paraly[sz]\w*|"
        r"seizures?|convuls\w*|passed out|passing out|faint(ed|ing)?|unconscious\w*|collaps\w*|"
        r"stiff neck|chest (pain|tight\w*|pressure)|heart attack|short of breath|"
        r"(los\w*|sudden) (\w+ )?(vision|sight)|(gone|going|went|suddenly) blind|blind in one|"
        r"(hit|hurt|bang|bump)\w* (my |his |her )?head|head (injury|trauma)|concuss\w*|"
        r"anaphyla\w*|allergic reaction|throat (\w+ )?(clos|swell)\w*|swollen (throat|tongue|lips)|"
        r"carbon monoxide|bleeding|confus(ed|ion)|overdo(s\w*|es)|od(ed)?|blood clot|aneurysm|meningitis"
        r")\b"
    ),
}
# Words whose misspellings count too: "sucide", "seisure", "unconcious".
MAIN_WORDS = {
    "suicide": "suicide",
    "suicidal": "suicide",
    "overdose": "poison",
    "poison": "poison",
    "emergency": "emergency",
    "seizure": "emergency",
    "unconscious": "emergency",
    "anaphylaxis": "emergency",
    "ambulance": "emergency",
    "thunderclap": "emergency",
    "paralyzed": "emergency",
    "meningitis": "emergency",
    "aneurysm": "emergency",
}
# A word that is no English word and is this near (difflib's ratio, 0 to 1) to one of ours is meant to be it.
NEAR = 0.8


def dangers(query: str) -> list[str]:
    """The kinds of danger that a search may be about: keys of PATTERNS, the gravest first; none for most.

    Takes any text and never raises.
    """
    text = plain(query)
    found = {kind for kind, pattern in PATTERNS.items() if pattern.search(text)}
    for word in text.split():
        if len(word) > 4 and not is_english(word):
            found |= {MAIN_WORDS[near] for near in get_close_matches(word, MAIN_WORDS, n=1, cutoff=NEAR)}
    return [kind for kind in PATTERNS if kind in found]
