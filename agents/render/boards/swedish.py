"""What each KPI counts, in Swedish; the registry says the same in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streams.organisations import Channel

DEFINITIONS: Final[dict[Channel, dict[str, str]]] = {
    "calls": {
        "offered": "De som ställde sig i kön, när de gjorde det. Den som lägger på i en meny före "
        "kön är inget samtal. Totalen räknar en medborgare en gång över alla köer.",
        "answered": "Samtal som en medarbetare besvarade, när det skedde, hur sent det än var.",
        "abandoned": "De som lade på medan de väntade, när de gjorde det, även efter kort tid.",
        "exits": "De som lämnade kön utan svar och utan att lägga på, efter orsak. `unknown` är "
        "också väntan vars slut gick förlorat, efter den längsta tillåtna väntetiden.",
        "departures": "Besvarade, tappade och de som lämnade kön av annan orsak, var och en när "
        "det skedde.",
        "abandonment": "Tappade delat med alla som slutade vänta. De som väntar än räknas inte.",
        "wait_mean": "Medelväntan för besvarade samtal, från kön till svaret, ringtiden inräknad; "
        "i totalen från den första kön. Ett verkligt medelvärde, inte ett utjämnat.",
        "wait": "Median, 90:e percentil och längsta (kvantil 1) väntan för besvarade samtal, "
        "i hela sekunder.",
        "handled": "Besvarade samtal som har avslutats, när de avslutades.",
        "handle_time_mean": "Medeltid från svar till samtalets slut; över flera köer summan av "
        "varje medarbetares del.",
        "coded": "Avslutade samtal där någon angav om frågan löstes.",
        "resolved": "Samtal med lösningskod där frågan löstes vid denna kontakt.",
        "coded_share": "Samtal med lösningskod delat med avslutade samtal: hur långt "
        "lösningsgraden är att lita på.",
        "resolution": "Lösta delat med samtal med lösningskod. Samtal utan kod räknas inte: se "
        "andelen med lösningskod.",
        "answered_within": "A_T: besvarade senast när löftet säger (exakt då är i tid).",
        "missed": "M: den tillåtna väntan gick ut medan den som ringde väntade; räknas just då och "
        "aldrig igen, vad som än händer sedan.",
        "answered_late": "Besvarade sedan löftet missats; räknas i väntetider, inte i andelen.",
        "abandoned_within": "B_T: lade på inom den tid som löftet tillåter.",
        "short_abandons": "B_s: lade på inom löftets gräns för korta samtal.",
        "excluded": "Lämnade kön i tid av annan orsak (tidsgräns, knappval, återuppringning ...): "
        "ingår inte i någon andel.",
        "service_level_kept": "Servicenivåns täljare, enligt löftets egen formel.",
        "service_level_events": "Servicenivåns nämnare, enligt löftets egen formel.",
        "service_level": "Andelen där löftet hölls, enligt den formel som löftet anger; annars "
        "besvarade i tid delat med besvarade i tid och missade.",
        "service_level_by_variant": "answered_only A_T/A; negative_abandons A_T/(A_T+M+B_T); "
        "ignore_early_abandons A_T/(A_T+M); positive_abandons (A_T+B_T)/(A_T+M+B_T); "
        "short_abandons_credited (A_T+B_s)/(A_T+M+B_T); "
        "short_abandons_excluded A_T/(A_T+M+B_T-B_s).",
        "waiting": "De som väntar i kön nu; ingen väntar längre än den längsta tillåtna tiden.",
        "longest_wait": "Hur länge den som står först har väntat; saknas när ingen väntar.",
        "pending": "De som väntar och vars löfte ännu kan hållas.",
    },
    "emails": {
        "received": "Medborgares brev som ska besvaras, när de kom till servern. Automatiska brev "
        "och påminnelser räknas för sig.",
        "automatic": "Frånvarobesked, studsar och utskick: de behöver inget svar.",
        "reminders": "Fler brev från någon som inte har fått svar; det första brevets tid gäller.",
        "forwarded": "Lämnade till en annan enhet; medborgarens tid går vidare.",
        "first_replies": "Ärenden som fick sitt första svar av en människa, även besked om att "
        "svar kommer.",
        "full_answers": "Ärenden som fick svar av en människa, som inte bara är ett besked om att "
        "svar kommer.",
        "no_reply_needed": "Ärenden som avslutades utan svar, efter orsak. Avslutas det i tid "
        "ingår det inte i andelen; en miss förblir en miss.",
        "reply_time_mean": "Arbetstid från brevets ankomst till första svaret av en människa, när "
        "svaret gavs. Obesvarade brev ingår inte: se försenade och andelen.",
        "reply_time": "Median, 90:e percentil och längsta (kvantil 1), i hela sekunder arbetstid.",
        "met": "Svar av det slag som löftet kräver, senast när det skulle ges.",
        "missed": "Tiden gick ut utan ett sådant svar; räknas just då och för alltid, oavsett om "
        "svar kommer senare.",
        "excluded": "Avslutade utan svar i tid: ingår inte i någon andel, räknas efter orsak.",
        "service_level_events": "Besvarade i tid och missade: andelens nämnare.",
        "service_level": "Besvarade i tid delat med besvarade i tid och missade, var och en när "
        "det skedde. Brev som ännu är i tid ingår inte; brev som aldrig besvaras är missade.",
        "first_reply_share": "Som andelen besvarade i tid, men varje svar av en människa räknas.",
        "full_answer_share": "Som andelen besvarade i tid, men bara fullständiga svar räknas.",
        "open": "Ärenden utan fullständigt svar, inte avslutade.",
        "oldest_open": "När det äldsta öppna brevet kom; saknas när inget är öppet.",
        "pending": "Öppna ärenden vars löfte ännu kan hållas.",
        "overdue": "Öppna ärenden vars löfte är missat och som ännu väntar på sitt svar.",
        "due_within": "Öppna ärenden som ska vara besvarade inom 1, 4 eller 8 arbetstimmar.",
    },
    "surveys": {
        "answers": "Svar som räknas i index.",
        "index": "0-100: medelvärdet av poängen, där 1 är 0 och 5 är 100. Ingen andel nöjda.",
        "publishable": "1 från 100 svar och uppåt, annars 0.",
        "excluded": "Svar från dem som säger att de inte fick något svar att bedöma.",
    },
    "visits": {
        "registered": "Besökare som kom till receptionen.",
        "measured_waits": "Besök där receptionen mätte väntetiden.",
        "wait_mean": "Medelvärde över besök med uppmätt väntetid.",
        "wait": "Median, 90:e percentil och längsta (kvantil 1), i hela sekunder.",
    },
}
