"""Words that say nothing about what a comment is about: they never stand in a topic's name."""

from __future__ import annotations

from functools import lru_cache

# Verbs of telling, politeness, time and fillers, beyond scikit-learn's English stop words. Drafted by reading the names of
# topics in the CFPB narratives and the Bowling Green statements.
_MORE = """
able absolutely according account's actually additionally ago ain allow allowed also always amp another anymore anyone
anything anyway apparently aren aren't around ask asked asking asks away back bad based basically begin beginning believe best
better big bit bring brought called calling came can't cannot cant certain clearly com come comes coming complete completely
concern concerned contact contacted continue continued could couldn couldn't couldnt current currently day days deal dear
decided definitely did didn didn't didnt different does doesn doesn't doesnt doing don don't done dont early else end ended
especially etc even ever every everyone everything exactly explain explained fact far feel feeling felt finally find fine
follow following found front further furthermore gave get gets getting give given gives giving goes going gone gonna good got
gotta great gt guess guys had hadn hadn't happen happened happening happens hard has hasn hasn't hasnt have haven haven't
havent having he's hear heard hello help helped here hereby herein hey hi hope hour hours however http https i'd i'll i'm i've
idea im immediately important including instead isn isn't isnt issue issues it's item ive just keep keeps kept kind knew know
knowing known knows lady last later latest least leave left less let let's lets like likely little live lived lol long longer
look looked looking looks lot lots lt made main make makes making many matter may maybe mean means mention mentioned might
mine minute minutes moment month months moreover mr mrs ms much multiple must nan near need needed needs never new next nice
nobody none nothing notice noticed now number occasion offer offered ok okay old omg one ones only open order original outside
part particular past people person place placed please point possible possibly present pretty previous previously probably
problem problems proper properly provide provided provides pursuant put question questions quickly quite rather read ready
real really reason reasons receive received recent recently refer regarding regardless regards related reply request requested
require required respond responded response result return returned right run said saw say saying says second see seeing seem
seemed seems seen send sent set several shall she she's should shouldn shouldn't shouldnt show showed shown simple simply
since sincerely single sir situation small somebody someone something sometimes soon sorry speak speaking specific spoke start
started starting starts state stated states stating still stop stopped stuff submit submitted sure take taken takes taking
talk talked talking tell telling tells thank thanks that's thats themselves there's therefore thereof they're they've thing
things think thinking thought time times today together told tomorrow tonight took total totally towards tried tries true
truly try trying turn turned twice understand unfortunately unless upon use used uses using usually various ve via wait waited
waiting want wanted wanting wants wasn wasn't wasnt way ways we're we've week weeks well went weren weren't what's whatever
who's whole will willing wish within without won won't wonder word words work worked working works would wouldn wouldn't
wouldnt wrong www x xx xxx yeah year years yes yesterday yet you'll you're you've youre
"""

# scikit-learn's list has these, but people do comment on them.
_SPEAKING = frozenset(["bill", "bills", "call", "cry", "detail", "fire", "interest", "serious", "system", "computer"])


@lru_cache(maxsize=1)
def empty_words() -> frozenset[str]:
    """Words that never stand in a phrase."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return (frozenset(_MORE.split()) | frozenset(ENGLISH_STOP_WORDS)) - _SPEAKING
