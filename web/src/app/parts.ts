// What the page loads right after its first paint, in one file: files of their own for each would cost the first load more than they save.
export { Conversation } from "../conversation/Conversation";
export { Reminders } from "../reminders/Reminders";
export { StateSelector } from "../state/StateSelector";
export { Profile } from "./Profile";
