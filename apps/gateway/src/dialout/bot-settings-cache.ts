import type { BotSettings } from '@dialfleet/bot';
import { botSettings, joinSecrets, type BotConfig, type ConfigSecrets } from '@dialfleet/contracts';
import { SecretBox, type DialoutBot } from '@dialfleet/database';
import { Injectable } from '@nestjs/common';

const MAX_ENTRIES = 500;

/** Settings ready to run, by bot version. A version never changes, so nothing here goes stale. */
@Injectable()
export class BotSettingsCache {
  private readonly entries = new Map<string, BotSettings>();

  constructor(private readonly box: SecretBox) {}

  of(bot: DialoutBot): BotSettings {
    const name = `${bot.id}:${bot.version}`;
    const settings = this.entries.get(name) ?? this.read(bot);
    this.entries.delete(name);
    this.entries.set(name, settings);
    if (this.entries.size > MAX_ENTRIES) this.entries.delete(this.entries.keys().next().value as string);
    return settings;
  }

  private read(bot: DialoutBot): BotSettings {
    const config = bot.config as BotConfig;
    return botSettings(bot.secrets === null ? config : joinSecrets(config, this.box.openJson<ConfigSecrets>(bot.secrets)));
  }
}
