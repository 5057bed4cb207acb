import { appointmentOpening, appointmentReminder } from '@dialfleet/bot';

/** Request bodies that the API document offers to try, by the class they are an example of. */
export const requestExamples = {
  DialoutRequest: {
    'One call': { bot_id: 'bot_01a2031bd2417b49b985cb7b9daff81e', to_number: '+14155550123', variables: { customer_id: 'C-1042', name: 'Maria', appointment: 'Monday at ten' } },
  },
  TrunkRequest: {
    'A carrier': {
      name: 'My carrier', host: 'sip.carrier.example', port: 5060, transport: 'udp', username: '4711', password: 'secret',
      default_from_number: '+14155550100', default_country: 'US', dial_format: '{e164}',
    },
    'A carrier that wants registration, over TLS': {
      name: 'My carrier', host: 'sip.carrier.example', transport: 'tls', username: '4711', password: 'secret', register: true, srtp: 'optional',
      default_from_number: '+14155550100', default_country: 'US', identity_header: 'p_asserted_identity',
    },
    'The simulated carrier': { name: 'Test carrier', host: '127.0.0.1', port: 5070, transport: 'udp', default_from_number: '+14155550100' },
  },
  BotRequest: {
    'As little as possible': { name: 'Reminder', opening_message: 'Hello {{crm.name}}, this is Ava from Green Dental. Can you come on {{crm.day}}?' },
    'With a script': {
      name: 'Appointment reminder', opening_message: appointmentOpening, script: { ...appointmentReminder },
      active_hours: { enabled: true, timezone: 'America/New_York', days: ['mon', 'tue', 'wed', 'thu', 'fri'], start_time: '09:00', end_time: '18:00' },
      voicemail: { action: 'hang_up' }, max_call_duration_seconds: 300,
    },
  },
  EndpointRequest: {
    'A CRM, with the fields it wants': {
      kind: 'crm_push', url: 'https://crm.example/leads', auth: { scheme: 'bearer', token: 'secret' },
      mapper: { lead_id: '{{crm.customer_id}}', 'contact.phone': '{{result.to_number}}', disposition: '{{analysis.disposition}}', source: 'dialfleet' },
    },
    'The whole result': { kind: 'webhook', url: 'https://crm.example/hooks/calls' },
  },
  TransferRequest: { 'To a colleague': { target: '+14155550199' } },
  ApiKeyRequest: { 'For a CRM that dials': { name: 'CRM', scopes: ['calls:write', 'calls:read'] } },
} as const;
