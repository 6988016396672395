"""Words that decide: what is a place of the post, what is common speech, what is never a name."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


AREAS_OF_POSTCODES = words(
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G "
    "GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX "
    "PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS "
    "WV YO ZE"
)
"""Royal Mail's areas, with which every postcode begins."""

THREE_LETTERS = words(
    "THE AND FOR ARE BUT NOT YOU ALL CAN HER WAS ONE OUR OUT DAY GET HAS HIM HIS HOW MAN NEW NOW OLD SEE TWO WAY WHO BOY DID "
    "ITS LET PUT SAY SHE TOO USE BUS CAR VAN BAD BIG BIT BUY CUT END FAR FEW GOT GUN GUY HAD HIT JOB KID LAD LAW LOT LOW MAY "
    "MEN MET MUM DAD OFF OIL OWN PAY PER POT PUB RAN RED RUN SAD SAT SET SIX SON TAX TEN TOP TRY WAR WEB WET WHY WON YES YET "
    "JAN FEB MAR APR JUN JUL AUG SEP OCT NOV DEC MON TUE WED THU FRI SAT SUN BAG BED BOX EYE FIT FLY HOT KEY LED LEG LIE MAP "
    "MIX NET NHS GBP AGE ANY ASK BAR BET DRY DUE EAT ERA FED FUN GAP GAS HAT ICE ILL JOY LAY NOR ODD PEN PET RAW ROW SEA SKY "
    "TEA TIE TOY VIA VOW WIN ZIP BBC ITV GPS MPS HRS MIN SEC ETC ISO PCS"
)
"""Words that stand beside a number in capitals: 'THE M60 AND', 'BUS 12A'."""

AT_NO_HANDLE = words(
    "home work school night the my our your his her their this that least first last all any noon midnight college uni "
    "station court church weekend weekends christmas"
)
"""What follows an '@' that means 'at'."""

DOMAINS_OF_MAIL = (
    *(
        "gmail",
        "googlemail",
        "hotmail",
        "outlook",
        "yahoo",
        "ymail",
        "icloud",
        "live",
        "msn",
        "aol",
        "btinternet",
        "sky",
        "talktalk",
    ),
    *("virginmedia", "protonmail", "proton", "mail", "gmx", "wp", "onet", "o2"),
)

NEVER_NAMES = words(
    # Speech that follows 'called', 'named', 'PC', or that the model takes for a name.
    "a about after again all also always an and another any anybody anyone anything are as asian at back bad be because been "
    "before being big black boss both boy boys brother but by can can't child children come could cousin dad daughter day did "
    "didn't do does doesn't don't done down each eastern even every everybody everyone family father few first for friend "
    "from get girl girls go god going good got grandad granny great group had has hasn't have he he's her here hers him his "
    "home how i i'd i'll i'm i've if in into is isn't it it's its jesus just kid kids know lad lads last lady let like little "
    "local look lots made make man many mate me men might mine more most mother mr mrs ms miss mum must my myself nan need never "
    "new next no nobody none nor not nothing now of off officer officers ok old on once one only or other our out over own "
    "parents people person please police quite really right said same saw says see she she's should sister sir so some "
    "somebody someone something son still such take tell than thank thanks that that's the their them then there there's "
    "these they they're they've thing things think this those though three through to today told tomorrow too twice two uncle "
    "under until up us very want was wasn't we we're we've well went were what when where which while white who who's why "
    "wife will with woman women won't work would yes yesterday yet you you're young your "
    # Days, months, feasts, faiths, languages and peoples.
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december christmas easter ramadan eid diwali muslim muslims islam christian hindu sikh jewish english "
    "welsh scottish irish british polish romanian albanian somali turkish kurdish chinese vietnamese nigerian pakistani "
    "bengali indian portuguese arabic urdu punjabi roma roman romanians albanians romani european african asian jamaican "
    "ukrainian russian "
    # Drugs and their street names, which are what comments are about.
    "crack heroin coke cocaine weed skunk hash spice mamba ketamine ket mdma molly mandy charlie billy ching snow ice meth "
    "crystal tina speed bennies benzos xanax valium vallies zopiclone pregabalin fentanyl lean codeine mcat meow dab dope "
    "smack brown white vapes vape thc cbd cali balloons nos spliff joint joints bud buds henry teenth "
    # Gangs and their work, the services that answer.
    "crew gang gangs posse mandem olders youngers elders shotters trappers runners county lines line boyz crips bloods mafia "
    "cartel snapchat facebook instagram tiktok whatsapp telegram twitter youtube google amazon ebay uber deliveroo paypal "
    "revolut monzo starling barclays lloyds natwest santander halifax nationwide hsbc tsb tesco asda aldi lidl sainsbury "
    "sainsbury's morrisons greggs mcdonald's mcdonalds kfc subway primark boots argos iceland costa starbucks crimestoppers "
    "fearless childline samaritans barnardo's barnardos mencap nspcc rspca shelter stonewall catch22 frank talktofrank "
    "council labour tory tories conservative conservatives lib dem dems reform greens parliament westminster whitehall ofsted "
    "ofcom nhs cid nca met gmp cps mp mps pc pcso bbc itv sky netflix xbox playstation fortnite roblox minecraft brexit covid "
    "windrush grenfell "
    # Words of comments that the model took for names.
    "amen bless hope faith grace joy mercy justice angel king queen prince princess duke earl saint st bishop pastor imam "
    "rabbi chief constable sergeant inspector superintendent judge mayor minister councillor cllr doctor dr nurse teacher "
    "headteacher ta cheers xx xxx lol omg btw imo idk tbh smh wtf wow hi hello hey dear regards bin bins dealer dealers scam "
    "scams scammer"
)
"""Never taken for a name, unless a cue such as 'my name is' stands before it."""

STREETS_OF_ALL = words(
    "high main ring service access back side slip dirt this that every our my your his her their the any some same whole "
    "other next quiet busy residential private public dead-end cul-de-sac one-way toll ordnance wall fleet downing coronation "
    "sesame easy"
)
"""'High Street' is no address; 'Wall Street' is no neighbour's."""
