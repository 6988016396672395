"""Names of languages: what people read where tables hold a code, and the code of what people wrote."""

from __future__ import annotations

import re

_NAMES = {
    "ace": "Acehnese", "af": "Afrikaans", "am": "Amharic", "an": "Aragonese", "ar": "Arabic", "ary": "Moroccan Arabic",
    "arz": "Egyptian Arabic", "as": "Assamese", "az": "Azerbaijani", "ba": "Bashkir", "bcl": "Bikol", "be": "Belarusian",
    "bg": "Bulgarian", "bn": "Bengali", "br": "Breton", "bs": "Bosnian", "ca": "Catalan", "crh": "Crimean Tatar", "cs": "Czech",
    "cy": "Welsh", "da": "Danish", "de": "German", "dz": "Dzongkha", "el": "Greek", "en": "English", "eo": "Esperanto",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "ext": "Extremaduran", "fa": "Farsi", "fi": "Finnish", "fo": "Faroese",
    "fr": "French", "fuv": "Fula", "fy": "Frisian", "ga": "Irish", "gcf": "Antillean Creole", "gcr": "Guianese Creole",
    "gd": "Scottish Gaelic", "gl": "Galician", "gom": "Konkani", "grc": "Ancient Greek", "gu": "Gujarati", "gug": "Guarani",
    "guw": "Gun (Benin)", "ha": "Hausa", "hbo": "Ancient Hebrew", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "ht": "Haitian Creole", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "is": "Icelandic",
    "it": "Italian", "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kab": "Kabyle", "kik": "Kikuyu", "kk": "Kazakh",
    "km": "Khmer", "kn": "Kannada", "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish",
    "lg": "Luganda", "lij": "Ligurian", "ln": "Lingala", "lo": "Lao", "lt": "Lithuanian", "ltg": "Latgalian", "lv": "Latvian",
    "mg": "Malagasy", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese",
    "my": "Burmese", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian (Nynorsk)", "no": "Norwegian", "nso": "Northern Sotho",
    "oc": "Occitan", "om": "Oromo", "or": "Odia", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese",
    "qu": "Quechua", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda", "sa": "Sanskrit", "sdh": "Southern Kurdish",
    "se": "Northern Sami", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sn": "Shona", "so": "Somali", "sq": "Albanian",
    "sr": "Serbian", "st": "Sotho", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik",
    "th": "Thai", "ti": "Tigrinya", "tk": "Turkmen", "tl": "Tagalog", "tr": "Turkish", "tt": "Tatar", "ug": "Uyghur",
    "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "uzs": "Southern Uzbek", "vec": "Venetian", "vi": "Vietnamese",
    "vo": "Volapük", "wa": "Walloon", "wuu": "Wu Chinese", "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba", "yue": "Cantonese",
    "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip
"""Every language that is recognised in texts, and some that people name; a test holds it against the recogniser."""

UNKNOWN = "und"
"""The code of a language that nobody can tell."""

_OTHER_NAMES = {
    "cymraeg": "cy", "polski": "pl", "română": "ro", "gaeilge": "ga", "gaelic": "gd", "persian": "fa", "bangla": "bn",
    "panjabi": "pa", "mandarin": "zh", "filipino": "tl", "slovene": "sl", "moldovan": "ro", "sinhalese": "si",
}  # fmt: skip

LANGUAGES = {
    code: _NAMES[code]
    for code in (
        *("en", "cy", "gd", "ga", "ar", "bg", "bn", "cs", "de", "es", "fa", "fr", "gu", "hi", "hu", "it", "ku", "lt", "lv", "nl"),
        *("pa", "pl", "ps", "pt", "ro", "ru", "sk", "so", "sq", "ta", "tr", "uk", "ur", "vi", "zh"),
    )
}
"""Languages that people in Britain often speak, by their code: short enough to choose from."""

_CODES = {name.casefold(): code for code, name in _NAMES.items()} | _OTHER_NAMES
_CODE = re.compile(r"([a-z]{2})(?:[-_].*)?")


def language(code: str) -> str:
    """'cy' → 'Welsh', 'en-GB' → 'English'; a code of no language known here stays as it is."""
    return "language not known" if code == UNKNOWN else _NAMES.get(re.split("[-_]", code)[0], code)


def code_of(words: str | None) -> str | None:
    """Code of a language as people write it: 'Welsh', 'cymraeg', 'en-GB'; None where the words name none."""
    wanted = (words or "").strip().casefold()
    if wanted in _NAMES:
        return wanted
    if wanted in _CODES:
        return _CODES[wanted]
    code = _CODE.fullmatch(wanted)
    return code.group(1) if code else None


def reason(stored: str) -> str:
    """Why a comment was set aside, in words: 'language not read: cy' → 'language not read: Welsh'. What is stored has codes."""
    before, colon, after = stored.partition(": ")
    return f"{before}{colon}{language(after)}"
