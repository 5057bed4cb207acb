/**
 * Phrases that no example lists, as customers say them and as a recogniser writes them, by step of the appointment
 * reminder, with what they mean there. Never copied into the examples: the matcher's rules were made with these.
 */
export const heldOutPhrases: Readonly<Record<string, readonly (readonly [text: string, means: string])[]>> = {
  coming: [
    ['Yes, I will be there.', 'yes'], ['Yeah that works for me.', 'yes'], ['Sure, see you then.', 'yes'], ['Of course I am coming', 'yes'], ['Yup, all good.', 'yes'], ['I can make it, yes.', 'yes'],
    ['Absolutely, thank you for the reminder.', 'yes'], ['I believe so, yes', 'yes'], ['Um, yes, that should be fine.', 'yes'], ['Ya sure', 'yes'],
    ["No, I'm afraid I can't.", 'no'], ["I won't be able to make it.", 'no'], ['No, sorry.', 'no'], ['I have to cancel it.', 'no'], ['Nope, not coming.', 'no'], ['Please cancel my appointment', 'no'],
    ["I'm driving right now, can you call me another day?", 'callback'], ['This is a bad moment, call me back some other day please.', 'callback'], ['Could you ring me back this evening?', 'callback'],
    ["I'm in the middle of a meeting, try again tomorrow.", 'callback'], ['Not a good time, sorry.', 'callback'], ['Can you please call me on another day.', 'callback'], ['I am a bit busy right now.', 'callback'],
    ['Call me another day, please. I am busy.', 'callback'],
    ['No, I cannot come on Friday.', 'no'], ["I can't come on Monday", 'no'], ['No, not on Monday.', 'no'], ["Monday doesn't work for me.", 'no_or_reschedule'], ['I will be there at ten.', 'yes'], ['Monday works.', 'yes'],
    ['Not now. Call me back tomorrow.', 'callback'], ["Don't call me now, call me tomorrow.", 'callback'], ['Not right now, please call me back later.', 'callback'], ["I can't right now. Call me back.", 'callback'],
    ["Please don't call me now, I'm at work.", 'callback'], ['I have no time now.', 'callback'], ['Later please.', 'callback'],
    ['Do not call this number any more.', 'do_not_call'], ['Never call me again.', 'do_not_call'], ["I've told you not to call me.", 'do_not_call'], ['There is no Maria at this number.', 'wrong_number'],
    ['Can we do it on Tuesday instead?', 'reschedule'], ['I want to change the date.', 'reschedule'],
    ['Can we reschedule this?', 'reschedule'], ['I need to move my appointment to another week', 'reschedule'], ['Could we change the appointment?', 'reschedule'],
    ['Who is this please?', 'who'], ["Sorry, who's speaking?", 'who'], ['Are you a computer?', 'robot'], ['Is this one of those recordings?', 'robot'], ['Let me speak to a real human being.', 'agent'],
    ['I want to talk to somebody at the office', 'agent'], ['You have the wrong number.', 'wrong_number'], ['There is no John here, wrong number', 'wrong_number'], ['Stop calling me!', 'do_not_call'],
    ['Take my number off your list please', 'do_not_call'], ['Can you say that again?', 'repeat'], ['Pardon?', 'repeat'], ["Sorry, I didn't hear you.", 'repeat'], ['What was that again?', 'repeat'],
    ['Hang on a second.', 'hold'], ['Just a moment please', 'hold'], ['What is the address of the practice?', 'faq'], ['How long is it going to take?', 'faq'],
    ['The weather is lovely today', 'none'], ['I like turtles.', 'none'], ['Blue.', 'none'], ['My cat is on the sofa', 'none'],
  ],
  which_day: [
    ['Friday would be good.', 'slot'], ['Tomorrow.', 'slot'], ['Maybe next Tuesday', 'slot'], ['On the 27th please.', 'slot'], ['Call me on Monday morning', 'slot'], ['How about Thursday?', 'slot'],
    ['to-morrow afternoon', 'slot'], ['Friday the 27th', 'slot'], ['the day after tomorrow', 'slot'], ['In two weeks', 'none_or_slot'],
    ['Who are you again?', 'who'], ['Sorry, what did you say?', 'repeat'], ['I have no idea', 'none'],
  ],
  which_number: [
    ["It's 4 1 5 5 5 5 0 1 2 3.", 'slot'], ['My number is four one five five five five oh one two three', 'slot'], ['415-555-0123', 'slot'], ['four one five triple five zero one two three', 'slot'],
    ['You can call me on this number.', 'same_number'], ['The same one you just called', 'same_number'], ['This number is fine.', 'same_number'],
    ['One moment please', 'hold'], ['Let me look it up', 'none_or_hold'], ['Goodbye.', 'goodbye'], ['Five five five', 'none'],
  ],
};

/** Written after the rules: 48 of 53 were understood at the first run, before the rest was looked into. */
export const unseenPhrases: Readonly<Record<string, readonly (readonly [text: string, means: string])[]>> = {
  coming: [
    ['Yes, certainly.', 'yes'], ['Oh yes, I have it in my calendar.', 'yes'], ['Yeah, no worries, I will be there', 'yes'], ['I am planning to come, yes', 'yes'], ['Okay, that is fine by me', 'yes'],
    ['Yes, we will both come', 'yes'], ['Right, I will come on Friday.', 'yes'], ['Sure, I can do that', 'yes'],
    ['No, I have to work that day', 'no'], ['I am not coming', 'no'], ["No, that doesn't suit me at all.", 'no'], ["I can't come because I am ill", 'no'], ['Sorry, no.', 'no'],
    ['I am at the doctor, please call me some other day', 'callback'], ['Could you try again next week?', 'callback'], ["I'm really busy at the moment.", 'callback'], ['Can you phone me later today?', 'callback'],
    ["It's not a good moment, can you call me tomorrow?", 'callback'], ["I can't talk now.", 'callback'], ['Please call back another day', 'callback'],
    ['Yeah I think I can make it.', 'yes'], ['I should be able to make it.', 'yes'], ['No problem, I will be there.', 'yes'], ['Unfortunately I have to cancel.', 'no'], ['No, I am out of town.', 'no'],
    ["I'm not going to be there.", 'no'], ["That doesn't work, sorry.", 'no'], ["I'm sorry, I can't make it.", 'no'], ["I can't talk, I'm driving.", 'callback'], ['I am in a meeting, call me in an hour.', 'callback'],
    ["It's a bad time, can you try again tomorrow?", 'callback'], ['Ring me on Wednesday.', 'callback'], ['Sorry I am really busy, another time.', 'callback'], ['Can I move it to Thursday?', 'reschedule'],
    ["Don't call me again.", 'do_not_call'], ["What's this about?", 'who'], ["I didn't catch that.", 'repeat'], ['Give me a second.', 'hold'], ['The sun is shining.', 'none'], ['Purple elephants.', 'none'],
    ['Is it possible to reschedule?', 'reschedule'], ['I would like to change my appointment to Monday', 'reschedule'],
    ['May I ask who is calling?', 'who'], ['What is this about?', 'who'], ['Am I speaking with a robot?', 'robot'], ['Can I speak to a person?', 'agent'], ['Please connect me with an operator', 'agent'],
    ['I think you have the wrong number', 'wrong_number'], ["Please don't call me any more", 'do_not_call'], ['Remove me from your list.', 'do_not_call'],
    ['Say that once more?', 'repeat'], ["I couldn't hear you", 'repeat'], ['Wait a second', 'hold'], ['Where is your practice?', 'faq'], ['How long does that take?', 'faq'],
    ['It is raining again', 'none'], ['Chocolate ice cream', 'none'], ['seventy two', 'none'],
  ],
  which_day: [
    ['Would Saturday be possible?', 'slot'], ['Any day next week', 'slot'], ['The first of December', 'slot'], ['Tuesday is best for me.', 'slot'], ['Sometime tomorrow morning', 'slot'],
    ['Can you repeat the question?', 'repeat'], ['Hold on, let me check my calendar', 'hold'], ['Whatever', 'none'],
  ],
  which_number: [
    ['Take this one: four one five, five five five, oh one double two.', 'slot'], ['6 1 7 5 5 5 0 1 9 9', 'slot'], ['plus one six one seven five five five zero one nine nine', 'slot'],
    ['Just use the same number', 'same_number'], ['The number you called', 'same_number'], ['What did you say?', 'repeat'], ['I do not remember it', 'none'],
  ],
};
