"""Text objects, confirm dialogs and everything that can be pressed or chosen in a block."""

from simulator.slack.blockkit.schema import Check, anything, boolean, by_type, items, number, one_of, shape, string, url


def plain_text(longest: int) -> Check:
    """Accept a plain_text object of at most so many characters, and not an empty one."""
    return by_type({"plain_text": shape({"text": string(longest)}, {"emoji": boolean})})


def any_text(longest: int) -> Check:
    """Accept a mrkdwn or plain_text object of at most so many characters, and not an empty one."""
    mrkdwn = shape({"text": string(longest)}, {"verbatim": boolean})
    return by_type({"plain_text": shape({"text": string(longest)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


CONFIRM = shape(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": one_of("primary", "danger")},
)
ACTION_ID = {"action_id": string(255)}
PRESSED = {**ACTION_ID, "confirm": CONFIRM}
CHOSEN = {**PRESSED, "focus_on_load": boolean, "placeholder": plain_text(150)}

OPTION = shape(
    {"text": any_text(75), "value": string(150)},
    {"description": any_text(75), "url": url(3000)},
)
OPTION_GROUP = shape({"label": plain_text(75), "options": items(OPTION, 100)})

BUTTON = shape(
    {"text": plain_text(75)},
    {
        **PRESSED,
        "value": string(2000, 0),
        "url": url(3000),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
    },
)
OVERFLOW = shape({"options": items(OPTION, 5)}, PRESSED)
CHECKBOXES = shape(
    {"options": items(OPTION, 10)},
    {**PRESSED, "initial_options": items(OPTION, 10), "focus_on_load": boolean},
)
RADIO_BUTTONS = shape(
    {"options": items(OPTION, 10)},
    {**PRESSED, "initial_option": OPTION, "focus_on_load": boolean},
)
LISTS = {"options": items(OPTION, 100), "option_groups": items(OPTION_GROUP, 100)}
SELECT = shape({}, {**CHOSEN, **LISTS, "initial_option": OPTION})
MULTI_SELECT = shape({}, {**CHOSEN, **LISTS, "initial_options": items(OPTION, 100), "max_selected_items": anything})
USERS = shape({}, {**CHOSEN, "initial_user": string(255)})
CONVERSATIONS = shape(
    {},
    {
        **CHOSEN,
        "initial_conversation": string(255),
        "default_to_current_conversation": boolean,
        "response_url_enabled": boolean,
        "filter": anything,
    },
)
CHANNELS = shape({}, {**CHOSEN, "initial_channel": string(255), "response_url_enabled": boolean})
DATE = shape({}, {**CHOSEN, "initial_date": string(10, 10)})
TIME = shape({}, {**CHOSEN, "initial_time": string(5, 5), "timezone": string(255)})
DATE_TIME = shape({}, {**PRESSED, "initial_date_time": number(1_000_000_000, 9_999_999_999), "focus_on_load": boolean})

IMAGE = shape({"alt_text": string(2000)}, {"image_url": url(3000), "slack_file": anything})

PLAIN_TEXT_INPUT = shape(
    {},
    {
        **ACTION_ID,
        "initial_value": string(3000, 0),
        "multiline": boolean,
        "min_length": number(0, 3000),
        "max_length": number(1, 3000),
        "focus_on_load": boolean,
        "placeholder": plain_text(150),
        "dispatch_action_config": anything,
    },
)

INTERACTIVE = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO_BUTTONS,
    "static_select": SELECT,
    "multi_static_select": MULTI_SELECT,
    "users_select": USERS,
    "conversations_select": CONVERSATIONS,
    "channels_select": CHANNELS,
    "datepicker": DATE,
    "timepicker": TIME,
    "datetimepicker": DATE_TIME,
}
ACTION_ELEMENT = by_type(INTERACTIVE)
ACCESSORY = by_type({**INTERACTIVE, "image": IMAGE})
INPUT_ELEMENT = by_type({**INTERACTIVE, "plain_text_input": PLAIN_TEXT_INPUT})
