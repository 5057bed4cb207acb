import { SCRIPT_END, type BotScript } from './script.js';

/** Goes with `appointmentReminder`. */
export const appointmentOpening =
  'Hello {{crm.name}}, this is Ava from Green Dental. I am calling about your appointment on {{crm.appointment}}. Will you be able to come?';

/**
 * Reminds of an appointment. The customer confirms, cancels, or asks to be called another day and says on which day and
 * under which number.
 */
export const appointmentReminder: BotScript = {
  start: 'coming',
  steps: [
    {
      name: 'coming', say: '', hints: ['yes', 'no', 'call me another day', 'I am busy right now'],
      expect: [
        { intent: 'yes', examples: ['yes I will be there', 'I can come', 'I will come'], next: 'confirmed' },
        { intent: 'callback', examples: ['can you call me another day', 'this is not a good time', 'I am busy call me later'], next: 'which_day' },
        { intent: 'reschedule', examples: ['can we move it', 'I need another appointment'], next: 'which_day' },
        { intent: 'no', examples: ['I can not come', 'I have to cancel'], next: 'cancelled' },
      ],
      reprompt: 'Sorry, I did not catch that. Will you be able to come to your appointment on {{crm.appointment}}?', otherwise: 'which_day',
    },
    { name: 'confirmed', say: 'Wonderful. We look forward to seeing you on {{crm.appointment}}. Goodbye.', disposition: 'confirmed', next: SCRIPT_END },
    { name: 'cancelled', say: 'Thank you for letting us know. I have cancelled your appointment. Goodbye.', disposition: 'cancelled', next: SCRIPT_END },
    {
      name: 'which_day', say: 'Of course. On which day may we call you?', disposition: 'callback_requested',
      hints: ['tomorrow', 'on Friday', 'next Monday'],
      expect: [{ slot: 'callback_day', type: 'date', next: 'which_number' }],
      reprompt: 'Sorry, which day suits you? You can say, for example, next Friday.', maxReprompts: 2, otherwise: 'farewell',
    },
    {
      name: 'which_number', say: 'And what is the best number to reach you?',
      expect: [
        { slot: 'callback_number', type: 'phone_number', next: 'noted' },
        { intent: 'same_number', examples: ['this number', 'the same number', 'the one you called', 'this one is fine'], next: 'noted_same' },
      ],
      reprompt: 'Sorry, could you say the number once more, digit by digit?', maxReprompts: 2, otherwise: 'noted_same',
    },
    { name: 'noted', say: 'Thank you. We will call you on {{slot.callback_day}}, at {{slot.callback_number}}. Goodbye.', next: SCRIPT_END },
    { name: 'noted_same', say: 'Thank you. We will call you on {{slot.callback_day}}, at this number. Goodbye.', next: SCRIPT_END },
    { name: 'farewell', say: 'Thank you. We will call you again. Goodbye.', next: SCRIPT_END },
  ],
  faq: [
    { examples: ['where are you', 'what is your address', 'where is the practice'], answer: 'Green Dental is at twelve Park Street, next to the library.' },
    { examples: ['how long will it take', 'how long does the appointment last'], answer: 'It takes about half an hour.' },
  ],
  global: { who: { say: 'This is Ava, the automated assistant of Green Dental. I am calling about your appointment on {{crm.appointment}}.' } },
};
