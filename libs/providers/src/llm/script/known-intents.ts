import { globalIntents, type GlobalIntent } from '@dialfleet/bot';

/** What people say, by the name of what they mean. A script that uses one of these names needs no examples of its own. */
export const knownIntents: Readonly<Record<string, readonly string[]>> = {
  yes: ['yes', 'yes please', 'yeah', 'yep', 'yup', 'sure', 'of course', 'that is right', 'correct', 'that works', 'sounds good', 'okay', 'go ahead', 'absolutely', 'i confirm', 'that is fine',
    'yes speaking', 'this is he', 'this is she', 'speaking', 'i do', 'i will', 'i am', 'that would be great', 'why not', 'no problem', 'definitely', 'certainly', 'i think so', 'perfect', 'right', 'true', 'exactly', 'alright', 'fine with me', 'fine', 'i can', 'i would', 'sure thing', 'i guess so', 'please do', 'mhm', 'uh huh', 'i will come'],
  no: ['no', 'no thanks', 'no thank you', 'nope', 'nah', 'not really', 'that is not right', 'i do not think so', 'that is wrong', 'no that does not work', 'that does not work for me', 'incorrect', 'no way', 'i can not', 'i will not',
    'i do not', 'not at all', 'it is not', 'i am not', 'i am afraid not', 'unfortunately not', 'not correct', 'i would rather not', 'never', 'that is not possible', 'i will not be able to'],
  busy: ['i am busy', 'not a good time', 'bad time', 'i can not talk right now', 'i am in a meeting', 'i am driving', 'can you call later', 'call me back later', 'maybe later', 'not now', 'no time', 'i have no time', 'i do not have time',
    'in the middle of something', 'i am at work'],
  callback: ['call me back', 'call me later', 'call me another day', 'can you call another time', 'call again', 'try me again later', 'call back', 'give me a call later', 'i am busy', 'not a good time', 'bad time', 'i can not talk right now',
    'i am in a meeting', 'i am driving', 'maybe later', 'not now', 'no time', 'i do not have time', 'some other time', 'at a different time', 'another day', 'better later', 'i am at work', 'in the middle of something'],
  reschedule: ['i need to reschedule', 'can we move it', 'move my appointment', 'change my appointment', 'another appointment', 'is there another time', 'i can not make it that day', 'come a different day', 'i need a different time', 'postpone', 'a later date', 'another day', 'can we do it another day', 'change the date', 'on tuesday instead', 'tuesday is better'],
  not_interested: ['i am not interested', 'not interested', 'no interest', 'i do not want it', 'i do not need that', 'we do not need any', 'we already have one', 'not for me'],
  price: ['how much is it', 'how much does it cost', 'how much', 'what is the price', 'is it expensive', 'what are your fees', 'how much do you charge', 'is there a charge', 'what does it cost'],
  already_done: ['i already paid', 'i paid that', 'i have already done that', 'it is taken care of', 'already sorted', 'that was settled already', 'already did', 'it is done'],
  maybe: ['maybe', 'i am not sure', 'perhaps', 'i do not know', 'i have to think about it', 'let me think', 'it depends', 'possibly', 'i have to check', 'not sure yet'],
  help: ['help', 'what can i say', 'i do not understand', 'what do you mean', 'what are my options'],
};

/** May come at any time. */
export const globalIntentExamples: Readonly<Record<GlobalIntent, readonly string[]>> = {
  repeat: ['what', 'sorry', 'can you repeat that', 'sorry can you repeat that', 'sorry what did you say', 'repeat please', 'say that again', 'say it one more time', 'once more please', 'pardon', 'pardon me', 'i did not hear you', 'i missed that', 'excuse me', 'come again', 'what did you say', 'what was that', 'huh', 'i did not get that', 'i can not hear you', 'could you speak louder'],
  who: ['who is this', 'who is calling', 'who was this', 'who are you', 'where are you calling from', 'what company is this', 'what is this about', 'why are you calling', 'who am i speaking to', 'what is this call regarding', 'what is it about', 'what do you want', 'what is your name'],
  robot: ['are you a robot', 'is this a recording', 'am i talking to a machine', 'are you human', 'are you real', 'is this a real person', 'you sound like a robot', 'are you a bot', 'is this a computer', 'are you a real person', 'are you an ai'],
  agent: ['speak to a human', 'let me talk to a person', 'agent please', 'agent', 'transfer me to someone', 'i want a real person', 'representative', 'operator', 'connect me to your manager', 'can i talk to someone', 'talk to somebody real', 'human being', 'speak with your colleague'],
  do_not_call: ['stop calling me', 'take me off your list', 'remove my number', 'remove me', 'do not call again', 'do not call me', 'do not call this number', 'do not call any more', 'never call me again', 'unsubscribe me', 'do not call list', 'stop calling this number', 'delete my number'],
  wrong_number: ['wrong number', 'you have the wrong number', 'wrong person', 'you got the wrong person', 'nobody here by that name', 'there is no one by that name here', 'he does not live here', 'she does not live here', 'you have the wrong one', 'no such person here'],
  goodbye: ['goodbye', 'bye', 'bye bye', 'thanks bye', 'okay bye', 'have a nice day', 'i have to go', 'i have to hang up', 'i got to go now', 'talk to you later', 'see you', 'that is all thank you'],
  hold: ['hold on', 'one moment', 'just a second', 'wait a minute', 'give me a minute', 'hang on', 'one second', 'wait please', 'let me see', 'let me check', 'let me look'],
};

export const isGlobalIntent = (name: string): name is GlobalIntent => (globalIntents as readonly string[]).includes(name);
